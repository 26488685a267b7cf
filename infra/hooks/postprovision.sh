#!/bin/sh
# Between template and package: roles, schema and key with the token of whoever deploys; then the package itself.
set -eu
./dev azure prepare
./dev azure package
