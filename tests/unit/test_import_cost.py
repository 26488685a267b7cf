import subprocess
import sys

from local.checkout import CHECKOUT

HEAVY = {
    "PIL",
    "aiohttp",
    "aiosql",
    "azure.cosmos",
    "azure.identity",
    "azure.storage",
    "cryptography",
    "dateparser",
    "lingua",
    "nh3",
    "openai",
    "phonenumbers",
    "price_parser",
    "psycopg",
    "pydantic",
    "selectolax",
    "vaderSentiment",
}
LOADED = "import sys, function_app; print('\\n'.join(sys.modules))"


def test_importing_the_app_loads_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], cwd=CHECKOUT, check=True, capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert "functions.ingest_email" in loaded
    assert {name for name in HEAVY if name in loaded} == set()
