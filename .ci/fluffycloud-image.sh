#!/usr/bin/env bash
# The image of FluffyCloud's machines, for the tests that need the part `docker`. Half a minute the first time; later
# nothing, until its script changes.
set -euo pipefail
exec bash "$(dirname "$0")/../examples/fluffycloud/image.sh"
