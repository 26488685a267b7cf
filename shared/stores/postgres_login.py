"""How Postgres is entered: with the password of the connection string, or with an Entra token for each connection."""

from typing import Any

from shared.stores.credentials import identity

SCOPE = "https://ossrdbms-aad.database.windows.net/.default"


async def login(dsn: str, client_id: str | None) -> dict[str, Any]:
    """Return what a connection takes beside `dsn`: a token where that has no password, the roots where it names none.

    A token is good for an hour and is looked at when a connection begins, so each brings its own; the credential
    keeps one until it ends.
    """
    from psycopg.conninfo import conninfo_to_dict

    given = conninfo_to_dict(dsn)
    found: dict[str, Any] = {}
    if "password" not in given and "passfile" not in given:
        found["password"] = (await identity(client_id).get_token(SCOPE)).token
    if str(given.get("sslmode", "")).startswith("verify-") and "sslrootcert" not in given:
        import certifi

        # The OpenSSL in psycopg's wheel looks for the system's roots where no system has them.
        found["sslrootcert"] = certifi.where()
    return found
