-- Two databases, two roles: each role enters its own database and no other. Run once by PostgreSQL's image, or by psql.
-- Passwords come from the environment, so that no list of processes and no file shows them.
\set ON_ERROR_STOP on
\getenv airflow_password AIRFLOW_DB_PASSWORD
\getenv sobank_password SOBANK_DB_PASSWORD
CREATE ROLE airflow LOGIN PASSWORD :'airflow_password';
CREATE ROLE sobank LOGIN PASSWORD :'sobank_password';
CREATE DATABASE airflow OWNER airflow;
CREATE DATABASE sobank OWNER sobank;
REVOKE ALL ON DATABASE airflow, sobank, postgres, template1 FROM PUBLIC;
