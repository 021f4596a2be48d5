"""Registers So bank with Airflow. Airflow runs every file of this folder as a top-level module: keep it one file.

The pages protect themselves: whatever is mounted here is behind `sobank.web.guard` (DESIGN §5, §8).
"""

from airflow.plugins_manager import AirflowPlugin

from sobank.web.mount import Pages
from sobank.web.navigation import PREFIX, external_views


class SobankPlugin(AirflowPlugin):
    """The pages of So bank in Airflow's UI, and the JSON API beside them."""

    name = "sobank"
    fastapi_apps = [{"app": Pages(), "url_prefix": PREFIX, "name": "So bank"}]  # noqa: RUF012  as Airflow wants it
    external_views = external_views()
