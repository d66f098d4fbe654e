"""Compares what passed with the list that is kept: compare.py LIST REPORT.xml... [--update]

Exit code 1 if a name of the list was run and did not pass, or was not run at all. Reports are JUnit XML as pytest writes it.
"""
import sys
import xml.etree.ElementTree as ET

# Surfaces that are not served: some of their tests pass because all of it is refused, which says nothing.
NOT_SERVED = ("test_post_object", "test_copy_enc", "test_copy_part_enc", "test_encryption_", "test_put_obj_enc", "test_sse_")


def main(args):
    update = "--update" in args
    partial = "--partial" in args
    kept_file, *reports = [arg for arg in args if not arg.startswith("--")]
    outcomes = {}
    for report in reports:
        for case in ET.parse(report).iter("testcase"):
            name = case.get("name")
            bad = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
            # A test whose teardown fails is reported twice: it has not passed.
            outcomes[name] = bad[0] if bad else outcomes.get(name, "passed")
    try:
        with open(kept_file, encoding="utf-8") as file:
            kept = {line.strip() for line in file if line.strip() and not line.startswith("#")}
    except FileNotFoundError:
        kept = set()
    passed = {name for name, outcome in outcomes.items() if outcome == "passed" and not name.startswith(NOT_SERVED)}
    lost = sorted(name for name in kept - passed if name in outcomes or not partial)
    gained = sorted(passed - kept)
    for name in lost:
        print(f"LOST {name}: {outcomes.get(name, 'not run')}")
    for name in gained:
        print(f"new  {name}")
    skipped = sum(outcome == "skipped" for outcome in outcomes.values())
    print(f"{len(outcomes)} run, {len(passed)} passed, {skipped} skipped; "
          f"{len(kept)} in the list, {len(lost)} lost, {len(gained)} new")
    if update:
        with open(kept_file, "w", encoding="utf-8") as file:
            file.write("".join(name + "\n" for name in sorted(passed | (kept if partial else set()))))
        return 0
    return 1 if lost else 0


sys.exit(main(sys.argv[1:]))
