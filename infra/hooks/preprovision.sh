#!/bin/sh
# Who deploys administers the database: their object id, name and kind become parameters of the template.
set -eu
./dev azure who
