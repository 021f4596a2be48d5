#!/bin/sh
# Once before everything else, at every start: safe to run again. The bucket comes first: `sobank init` looks at it.
set -eu
python deploy/bucket.py
airflow db migrate
sobank init
python deploy/first_user.py
