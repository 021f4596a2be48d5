"""Registers So bank with Airflow. Airflow runs every file of this folder as a top-level module: keep it one file.

The name is all there is to register until the pages exist. No FastAPI app is mounted here: a plugin's routes are
anonymous unless they protect themselves, so a route only comes together with its protection (DESIGN §5, §8).
"""

from airflow.plugins_manager import AirflowPlugin


class SobankPlugin(AirflowPlugin):
    """What the pages will hang on."""

    name = "sobank"
