"""Projects on a stack or a deployed hub."""

import uuid

import psycopg

from schema.demo_project import SQL
from shared.identifiers import ProjectId


def add_project(owner_dsn: str, name: str) -> ProjectId:
    """Create a project with its system user, who stands for what no one does by hand; `owner_dsn` is `hub_owner`'s."""
    project, system = ProjectId(uuid.uuid4()), uuid.uuid4()
    user = {"project_id": project, "id": system, "full_name": "System", "role": "system", "email": None}
    with psycopg.connect(owner_dsn) as owner:
        owner.execute("SELECT set_config('app.project_id', %s, true)", [str(project)])
        owner.execute(SQL["insert_project"], {"id": project, "name": name, "system_user_id": system})
        owner.execute(SQL["insert_user"], user)
    return project
