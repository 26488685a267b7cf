import time
from collections.abc import Callable, Mapping, Sequence

from local.checkout import CHECKOUT
from local.trouble import Trouble


def main(argv: Sequence[str]) -> int:
    """Check infra/ without Azure: syntax, the project's own rules, checkov. Trouble when anything is found."""
    from local.infra import check, scan
    from local.infra.policy import Finding

    if argv:
        raise Trouble(f"can't understand {' '.join(argv)!r}", do="Use ./dev check-infra.")
    folder, found = CHECKOUT / "infra", list[Finding]()
    steps: Mapping[str, Callable[[], list[Finding]]] = {
        "Syntax, rules, roles, connections": lambda: check.check(check.files(folder)),
        "checkov": lambda: scan.scan(folder),
    }
    for name, step in steps.items():
        started = time.perf_counter()
        findings = step()
        print(f"{name} … {f'{len(findings)} findings, ' if findings else ''}{time.perf_counter() - started:.1f} s")
        found += findings
    for finding in found:
        print(f"  {finding}")
    if found:
        raise Trouble(f"infra/ has {len(found)} findings", do="The lines above say where.")
    return 0
