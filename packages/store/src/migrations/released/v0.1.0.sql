CREATE TABLE "migrations" (
  "number" INTEGER NOT NULL PRIMARY KEY,
  "name" TEXT NOT NULL,
  "checksum" TEXT NOT NULL,
  "berth_version" TEXT NOT NULL,
  "applied_at" INTEGER NOT NULL
) STRICT;
INSERT INTO "migrations" ("number", "name", "checksum", "berth_version", "applied_at") VALUES (1, 'initial', '80d7d800fa96e64a8e289617cda36b1bc48f75628a90c6533f5f0a80379ff9aa', '0.1.0', 0);
CREATE TABLE "users" (
      "id" TEXT NOT NULL PRIMARY KEY,
      "name" TEXT NOT NULL,
      "email" TEXT,
      "global_role" TEXT NOT NULL,
      "active" INTEGER NOT NULL,
      "created_at" INTEGER NOT NULL,
      "version" INTEGER NOT NULL
    ) STRICT;
INSERT INTO "users" ("id", "name", "email", "global_role", "active", "created_at", "version") VALUES ('u1', 'ada', NULL, 'admin', 1, 1000, 1);
CREATE TABLE "tokens" (
      "id" TEXT NOT NULL PRIMARY KEY,
      "user_id" TEXT NOT NULL,
      "name" TEXT NOT NULL,
      "hash" TEXT NOT NULL,
      "prefix" TEXT NOT NULL,
      "scope" TEXT NOT NULL,
      "project_id" TEXT,
      "created_at" INTEGER NOT NULL,
      "expires_at" INTEGER,
      "last_used_at" INTEGER,
      "revoked_at" INTEGER,
      "version" INTEGER NOT NULL
    ) STRICT;
INSERT INTO "tokens" ("id", "user_id", "name", "hash", "prefix", "scope", "project_id", "created_at", "expires_at", "last_used_at", "revoked_at", "version") VALUES ('t1', 'u1', 'laptop', 'abababababababababababababababababababababababababababababababab', 'bt_1234', 'write', NULL, 1000, NULL, NULL, NULL, 1);
CREATE TABLE "projects" (
      "id" TEXT NOT NULL PRIMARY KEY,
      "name" TEXT NOT NULL,
      "owner_id" TEXT NOT NULL,
      "created_at" INTEGER NOT NULL,
      "deleted_at" INTEGER,
      "version" INTEGER NOT NULL
    ) STRICT;
INSERT INTO "projects" ("id", "name", "owner_id", "created_at", "deleted_at", "version") VALUES ('p1', 'main', 'u1', 1000, NULL, 1);
CREATE TABLE "members" (
      "id" TEXT NOT NULL PRIMARY KEY,
      "project_id" TEXT NOT NULL,
      "user_id" TEXT NOT NULL,
      "role" TEXT NOT NULL,
      "version" INTEGER NOT NULL
    ) STRICT;
INSERT INTO "members" ("id", "project_id", "user_id", "role", "version") VALUES ('p1/u1', 'p1', 'u1', 'admin', 1);
CREATE TABLE "secrets" (
      "id" TEXT NOT NULL PRIMARY KEY,
      "project_id" TEXT NOT NULL,
      "name" TEXT NOT NULL,
      "ciphertext" TEXT NOT NULL,
      "created_at" INTEGER NOT NULL,
      "updated_at" INTEGER NOT NULL,
      "version" INTEGER NOT NULL
    ) STRICT;
INSERT INTO "secrets" ("id", "project_id", "name", "ciphertext", "created_at", "updated_at", "version") VALUES ('s1', 'p1', 'HF_TOKEN', 'enc:aesgcm:1:AAAA', 1000, 1000, 1);
CREATE TABLE "backends" (
      "id" TEXT NOT NULL PRIMARY KEY,
      "project_id" TEXT NOT NULL,
      "name" TEXT NOT NULL,
      "type" TEXT NOT NULL,
      "config" TEXT NOT NULL,
      "credential_kind" TEXT NOT NULL,
      "credentials" TEXT,
      "source" TEXT NOT NULL,
      "created_at" INTEGER NOT NULL,
      "deleted_at" INTEGER,
      "version" INTEGER NOT NULL
    ) STRICT;
INSERT INTO "backends" ("id", "project_id", "name", "type", "config", "credential_kind", "credentials", "source", "created_at", "deleted_at", "version") VALUES ('b1', 'p1', 'local', 'local', '{"regions":["here"]}', 'default', NULL, 'config.yml', 1000, NULL, 1);
CREATE TABLE "runs" (
      "id" TEXT NOT NULL PRIMARY KEY,
      "project_id" TEXT NOT NULL,
      "user_id" TEXT NOT NULL,
      "name" TEXT NOT NULL,
      "live" INTEGER NOT NULL,
      "status" TEXT NOT NULL,
      "end_reason" TEXT,
      "message" TEXT,
      "spec" TEXT NOT NULL,
      "stop_requested" TEXT,
      "submission" INTEGER NOT NULL,
      "submitted_at" INTEGER NOT NULL,
      "retry_window_at" INTEGER NOT NULL,
      "next_attempt_at" INTEGER,
      "started_at" INTEGER,
      "finished_at" INTEGER,
      "version" INTEGER NOT NULL
    ) STRICT;
INSERT INTO "runs" ("id", "project_id", "user_id", "name", "live", "status", "end_reason", "message", "spec", "stop_requested", "submission", "submitted_at", "retry_window_at", "next_attempt_at", "started_at", "finished_at", "version") VALUES ('r1', 'p1', 'u1', 'train', 1, 'submitted', NULL, NULL, '{"name":"train","type":"task","configuration":{"type":"task","commands":["node train.js"]},"nodes":1,"startupOrder":"any","stopCriteria":"all-done","retry":null,"requirements":{"cpu":{"min":2,"max":null},"cpuArch":null,"memoryMiB":{"min":8192,"max":null},"diskMiB":null,"shmMiB":null,"gpu":null,"capacityTypes":["on-demand"],"maxPricePerHour":1.5,"backends":null,"regions":null,"zones":null,"instanceTypes":null},"creationPolicy":"reuse-or-create","idleDurationMs":300000,"fleets":null,"priority":0,"tags":{},"work":{"image":null,"registryAuth":null,"entrypoint":null,"commands":["node train.js"],"shell":"sh","env":{"TOKEN":"${{ secrets.HF_TOKEN }}"},"user":null,"workingDir":null,"privileged":false,"shmMiB":null,"ports":[],"mounts":[],"maxDurationMs":null,"stopDurationMs":300000,"code":null,"files":[],"artifacts":["out"]}}', NULL, 0, 1000, 1000, NULL, NULL, NULL, 1);
CREATE TABLE "jobs" (
      "id" TEXT NOT NULL PRIMARY KEY,
      "run_id" TEXT NOT NULL,
      "project_id" TEXT NOT NULL,
      "replica" INTEGER NOT NULL,
      "node" INTEGER NOT NULL,
      "submission" INTEGER NOT NULL,
      "status" TEXT NOT NULL,
      "end_reason" TEXT,
      "message" TEXT,
      "exit_status" INTEGER,
      "signal" TEXT,
      "agent_state" TEXT,
      "progress" TEXT,
      "instance_id" TEXT,
      "price_per_hour" REAL,
      "held_from" INTEGER,
      "held_until" INTEGER,
      "stop_requested" TEXT,
      "stop_reason" TEXT,
      "stop_by" INTEGER,
      "submitted_at" INTEGER NOT NULL,
      "started_at" INTEGER,
      "finished_at" INTEGER,
      "avoid_offers" TEXT NOT NULL,
      "artifacts" TEXT,
      "log_bytes" INTEGER,
      "cleaned_at" INTEGER,
      "version" INTEGER NOT NULL
    ) STRICT;
INSERT INTO "jobs" ("id", "run_id", "project_id", "replica", "node", "submission", "status", "end_reason", "message", "exit_status", "signal", "agent_state", "progress", "instance_id", "price_per_hour", "held_from", "held_until", "stop_requested", "stop_reason", "stop_by", "submitted_at", "started_at", "finished_at", "avoid_offers", "artifacts", "log_bytes", "cleaned_at", "version") VALUES ('j1', 'r1', 'p1', 0, 0, 0, 'submitted', NULL, NULL, NULL, NULL, NULL, NULL, 'i1', 0.1, NULL, NULL, NULL, NULL, NULL, 1000, NULL, NULL, '{"local/here/-/this/on-demand":2000}', '{"bytes":12,"hash":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd","fetched":false}', NULL, NULL, 1);
CREATE TABLE "instances" (
      "id" TEXT NOT NULL PRIMARY KEY,
      "project_id" TEXT NOT NULL,
      "fleet_id" TEXT,
      "name" TEXT NOT NULL,
      "status" TEXT NOT NULL,
      "end_reason" TEXT,
      "message" TEXT,
      "backend" TEXT NOT NULL,
      "region" TEXT NOT NULL,
      "zone" TEXT,
      "instance_type" TEXT NOT NULL,
      "capacity_type" TEXT NOT NULL,
      "price_per_hour" REAL NOT NULL,
      "resources" TEXT NOT NULL,
      "offer" TEXT NOT NULL,
      "token" TEXT NOT NULL,
      "cloud_id" TEXT,
      "address" TEXT,
      "internal_ip" TEXT,
      "gpu_devices" TEXT NOT NULL,
      "agent_secret" TEXT NOT NULL,
      "total_blocks" INTEGER NOT NULL,
      "busy_blocks" INTEGER NOT NULL,
      "idle_duration_ms" INTEGER,
      "created_at" INTEGER NOT NULL,
      "ready_at" INTEGER,
      "idle_since" INTEGER,
      "unreachable_since" INTEGER,
      "termination_requested_at" INTEGER,
      "terminated_at" INTEGER,
      "agent_event_seq" INTEGER NOT NULL,
      "agent_boot_id" TEXT,
      "version" INTEGER NOT NULL
    ) STRICT;
INSERT INTO "instances" ("id", "project_id", "fleet_id", "name", "status", "end_reason", "message", "backend", "region", "zone", "instance_type", "capacity_type", "price_per_hour", "resources", "offer", "token", "cloud_id", "address", "internal_ip", "gpu_devices", "agent_secret", "total_blocks", "busy_blocks", "idle_duration_ms", "created_at", "ready_at", "idle_since", "unreachable_since", "termination_requested_at", "terminated_at", "agent_event_seq", "agent_boot_id", "version") VALUES ('i1', 'p1', NULL, 'train-0', 'idle', NULL, NULL, 'local', 'here', NULL, 'this', 'on-demand', 0.1, '{"cpus":8,"cpuArch":"x86","memoryMiB":32768,"diskMiB":102400,"accelerators":[{"name":"A100","vendor":"nvidia","count":2,"memoryMiB":81920,"known":true}]}', '{"id":"local/here/-/this/on-demand","backend":"local","instanceType":"this","region":"here","zone":null,"capacityType":"on-demand","pricePerHour":0.1,"availability":"available","resources":{"cpus":8,"cpuArch":"x86","memoryMiB":32768,"diskMiB":102400,"accelerators":[{"name":"A100","vendor":"nvidia","count":2,"memoryMiB":81920,"known":true}]}}', 'token-1', 'here-1', '{"kind":"unix","path":"/run/agent.sock"}', '127.0.0.1', '["0","1"]', 'enc:aesgcm:1:BBBB', 1, 0, 300000, 1000, 1100, 1100, NULL, NULL, NULL, 0, NULL, 1);
CREATE TABLE "fleets" (
      "id" TEXT NOT NULL PRIMARY KEY,
      "project_id" TEXT NOT NULL,
      "user_id" TEXT NOT NULL,
      "name" TEXT NOT NULL,
      "live" INTEGER NOT NULL,
      "status" TEXT NOT NULL,
      "message" TEXT,
      "spec" TEXT NOT NULL,
      "attempts" INTEGER NOT NULL,
      "next_attempt_at" INTEGER,
      "filled_at" INTEGER,
      "created_at" INTEGER NOT NULL,
      "finished_at" INTEGER,
      "version" INTEGER NOT NULL
    ) STRICT;
INSERT INTO "fleets" ("id", "project_id", "user_id", "name", "live", "status", "message", "spec", "attempts", "next_attempt_at", "filled_at", "created_at", "finished_at", "version") VALUES ('f1', 'p1', 'u1', 'pool', 1, 'active', NULL, '{"name":"pool","configuration":{"type":"fleet","nodes":2},"nodes":{"min":0,"target":2,"max":null},"placement":"any","requirements":{"cpu":{"min":2,"max":null},"cpuArch":null,"memoryMiB":{"min":8192,"max":null},"diskMiB":null,"shmMiB":null,"gpu":null,"capacityTypes":["on-demand"],"maxPricePerHour":1.5,"backends":null,"regions":null,"zones":null,"instanceTypes":null},"idleDurationMs":null,"tags":{}}', 0, NULL, NULL, 1000, NULL, 1);
CREATE TABLE "intents" (
      "id" TEXT NOT NULL PRIMARY KEY,
      "project_id" TEXT NOT NULL,
      "kind" TEXT NOT NULL,
      "instance_id" TEXT NOT NULL,
      "backend" TEXT NOT NULL,
      "status" TEXT NOT NULL,
      "uncertain" INTEGER NOT NULL,
      "attempts" INTEGER NOT NULL,
      "looks" INTEGER NOT NULL,
      "next_attempt_at" INTEGER NOT NULL,
      "last_error" TEXT,
      "created_at" INTEGER NOT NULL,
      "settled_at" INTEGER,
      "version" INTEGER NOT NULL
    ) STRICT;
INSERT INTO "intents" ("id", "project_id", "kind", "instance_id", "backend", "status", "uncertain", "attempts", "looks", "next_attempt_at", "last_error", "created_at", "settled_at", "version") VALUES ('n1', 'p1', 'instance.create', 'i1', 'local', 'open', 0, 0, 0, 1000, '{"code":"no-capacity","message":"sold out"}', 1000, NULL, 1);
CREATE TABLE "events" (
      "id" TEXT NOT NULL PRIMARY KEY,
      "project_id" TEXT,
      "at" INTEGER NOT NULL,
      "actor" TEXT,
      "kind" TEXT NOT NULL,
      "message" TEXT NOT NULL,
      "target_kind" TEXT NOT NULL,
      "target_id" TEXT NOT NULL,
      "target_name" TEXT NOT NULL,
      "run_id" TEXT,
      "details" TEXT NOT NULL
    ) STRICT;
INSERT INTO "events" ("id", "project_id", "at", "actor", "kind", "message", "target_kind", "target_id", "target_name", "run_id", "details") VALUES ('e1', 'p1', 1000, NULL, 'run.submitted', 'train was submitted', 'run', 'r1', 'train', 'r1', '{"nodes":1}');
CREATE TABLE "blobs" (
      "id" TEXT NOT NULL PRIMARY KEY,
      "hash" TEXT NOT NULL,
      "bytes" INTEGER NOT NULL,
      "project_id" TEXT NOT NULL,
      "created_at" INTEGER NOT NULL,
      "used_at" INTEGER NOT NULL,
      "version" INTEGER NOT NULL
    ) STRICT;
INSERT INTO "blobs" ("id", "hash", "bytes", "project_id", "created_at", "used_at", "version") VALUES ('p1/efefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefef', 'efefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefef', 10, 'p1', 1000, 1000, 1);
CREATE UNIQUE INDEX "users_name" ON "users" ("name");
CREATE UNIQUE INDEX "tokens_hash" ON "tokens" ("hash");
CREATE INDEX "tokens_user" ON "tokens" ("user_id");
CREATE UNIQUE INDEX "projects_name" ON "projects" ("name") WHERE "deleted_at" IS NULL;
CREATE UNIQUE INDEX "members_place" ON "members" ("project_id", "user_id");
CREATE INDEX "members_user" ON "members" ("user_id");
CREATE UNIQUE INDEX "secrets_name" ON "secrets" ("project_id", "name");
CREATE UNIQUE INDEX "backends_name" ON "backends" ("project_id", "name") WHERE "deleted_at" IS NULL;
CREATE INDEX "runs_live" ON "runs" ("id") WHERE "live" = TRUE;
CREATE UNIQUE INDEX "runs_live_name" ON "runs" ("project_id", "name") WHERE "live" = TRUE;
CREATE INDEX "runs_live_submitted" ON "runs" ("project_id", "live", "submitted_at", "id") WHERE "live" = TRUE;
CREATE INDEX "runs_name" ON "runs" ("project_id", "name", "submitted_at", "id");
CREATE INDEX "runs_submitted" ON "runs" ("project_id", "submitted_at", "id");
CREATE UNIQUE INDEX "jobs_place" ON "jobs" ("run_id", "replica", "node", "submission");
CREATE INDEX "jobs_project" ON "jobs" ("project_id", "submitted_at", "id");
CREATE INDEX "jobs_status" ON "jobs" ("status");
CREATE INDEX "jobs_instance" ON "jobs" ("instance_id", "status");
CREATE INDEX "jobs_uncleaned" ON "jobs" ("instance_id") WHERE "cleaned_at" IS NULL;
CREATE UNIQUE INDEX "instances_token" ON "instances" ("token");
CREATE INDEX "instances_status" ON "instances" ("status", "project_id");
CREATE INDEX "instances_project" ON "instances" ("project_id", "created_at", "id");
CREATE INDEX "instances_name" ON "instances" ("project_id", "name");
CREATE INDEX "instances_fleet" ON "instances" ("fleet_id", "status");
CREATE INDEX "fleets_live" ON "fleets" ("id") WHERE "live" = TRUE;
CREATE UNIQUE INDEX "fleets_live_name" ON "fleets" ("project_id", "name") WHERE "live" = TRUE;
CREATE INDEX "fleets_name" ON "fleets" ("project_id", "name", "created_at", "id");
CREATE UNIQUE INDEX "intents_open" ON "intents" ("instance_id", "kind") WHERE "status" = 'open';
CREATE INDEX "intents_due" ON "intents" ("next_attempt_at", "id") WHERE "status" = 'open';
CREATE INDEX "intents_instance" ON "intents" ("instance_id", "id");
CREATE INDEX "events_project" ON "events" ("project_id", "id");
CREATE INDEX "events_run" ON "events" ("run_id", "id");
CREATE INDEX "events_target" ON "events" ("target_id", "id");
CREATE INDEX "events_at" ON "events" ("at", "id");
CREATE UNIQUE INDEX "blobs_place" ON "blobs" ("project_id", "hash");
CREATE INDEX "blobs_hash" ON "blobs" ("hash");
CREATE INDEX "blobs_used" ON "blobs" ("used_at", "id");
