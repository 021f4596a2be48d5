"""The pages and the JSON API inside Airflow's UI (DESIGN §4, §8): one FastAPI app that the plugin mounts on `/sobank`.

`app.build` makes it, `guard` lets nobody in who is not signed in, `rights.Needs` says on every route what it takes,
`pages/` and `api/` hold one module a subject. Both ask the same services as the command line and the DAGs.
"""
