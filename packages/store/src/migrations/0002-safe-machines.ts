import { POSTGRES_SCHEMA } from './0002-postgres-schema.ts';
import type { Migration } from './index.ts';

export const safeMachines: Migration = {
  number: 2,
  name: 'safe machines',
  sqlite: [
    `ALTER TABLE "jobs" ADD COLUMN "start_ordered_at" INTEGER`,
    // Who runs was told to; who is ready is told (again) by its run.
    `UPDATE "jobs" SET "start_ordered_at" = "started_at"`,
    `ALTER TABLE "instances" ADD COLUMN "hedge_of" TEXT`,
    `CREATE INDEX "instances_hedge" ON "instances" ("hedge_of")`,
    `CREATE INDEX "instances_backend" ON "instances" ("project_id", "backend", "status")`,
    `DROP INDEX "instances_status"`,
    `CREATE INDEX "instances_status" ON "instances" ("status", "project_id", "total_blocks", "busy_blocks")`,
    `CREATE TABLE "orphans" (
      "id" TEXT NOT NULL PRIMARY KEY,
      "project_id" TEXT NOT NULL,
      "backend" TEXT NOT NULL,
      "cloud_id" TEXT NOT NULL,
      "token" TEXT,
      "name" TEXT,
      "region" TEXT NOT NULL,
      "zone" TEXT,
      "instance_id" TEXT,
      "status" TEXT NOT NULL,
      "first_seen_at" INTEGER NOT NULL,
      "last_seen_at" INTEGER NOT NULL,
      "attempts" INTEGER NOT NULL,
      "next_attempt_at" INTEGER,
      "last_error" TEXT,
      "gone_at" INTEGER,
      "version" INTEGER NOT NULL
    ) STRICT`,
    `CREATE UNIQUE INDEX "orphans_machine" ON "orphans" ("project_id", "backend", "cloud_id")`,
    `CREATE INDEX "orphans_status" ON "orphans" ("status", "project_id")`,
    `CREATE TABLE "failures" (
      "id" TEXT NOT NULL PRIMARY KEY,
      "project_id" TEXT NOT NULL,
      "backend" TEXT NOT NULL,
      "code" TEXT NOT NULL,
      "scope" TEXT NOT NULL,
      "region" TEXT,
      "zone" TEXT,
      "instance_type" TEXT,
      "capacity_type" TEXT,
      "message" TEXT NOT NULL,
      "count" INTEGER NOT NULL,
      "at" INTEGER NOT NULL,
      "until" INTEGER NOT NULL,
      "version" INTEGER NOT NULL
    ) STRICT`,
    `CREATE INDEX "failures_project" ON "failures" ("project_id", "backend", "until")`,
    `CREATE INDEX "failures_until" ON "failures" ("until", "id")`,
    `CREATE TABLE "bootstraps" (
      "id" TEXT NOT NULL PRIMARY KEY,
      "project_id" TEXT NOT NULL,
      "backend" TEXT NOT NULL,
      "region" TEXT NOT NULL,
      "status" TEXT NOT NULL,
      "data" TEXT NOT NULL,
      "attempts" INTEGER NOT NULL,
      "next_attempt_at" INTEGER,
      "last_error" TEXT,
      "created_at" INTEGER NOT NULL,
      "version" INTEGER NOT NULL
    ) STRICT`,
    `CREATE UNIQUE INDEX "bootstraps_place" ON "bootstraps" ("project_id", "backend", "region")`,
    `CREATE TABLE "servers" (
      "id" TEXT NOT NULL PRIMARY KEY,
      "host" TEXT NOT NULL,
      "pid" INTEGER NOT NULL,
      "url" TEXT,
      "started_at" INTEGER NOT NULL,
      "seen_at" INTEGER NOT NULL,
      "version" INTEGER NOT NULL
    ) STRICT`,
    `CREATE TABLE "leases" (
      "id" TEXT NOT NULL PRIMARY KEY,
      "owner" TEXT,
      "token" INTEGER NOT NULL,
      "version" INTEGER NOT NULL
    ) STRICT`,
    `CREATE INDEX "leases_owner" ON "leases" ("owner")`,
  ],
  postgres: [
    ...POSTGRES_SCHEMA,
    // Of the store itself, see postgres-marker.ts.
    `CREATE TABLE "writers" (
      "id" TEXT NOT NULL PRIMARY KEY,
      "number" BIGINT NOT NULL,
      "at" TIMESTAMPTZ NOT NULL
    )`,
  ],
};
