#!/bin/sh
# The new code has started and reaches every store, or the deployment failed.
set -eu
./dev azure health
