#!/bin/sh
# Once before everything else, at every start: safe to run again. The bucket comes first, for what `sobank init` looks at.
set -eu
python deploy/bucket.py
airflow db migrate
sobank init
airflow sync-perm
# Shows a cabinet's people the menu and no DAG: what they are to a cabinet is in So bank's registry (docs/roles.md).
airflow roles create "So bank"
airflow roles add-perms "So bank" --action can_read menu_access --resource Plugins
# Does nothing where he is there already, so a password changed since is kept.
airflow users create --username admin --role Admin --firstname So --lastname bank --email admin@localhost \
    --password "$SOBANK_ADMIN_PASSWORD"
