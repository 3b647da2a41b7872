#!/usr/bin/python3
"""Goal: the simulator finds the bugs it is there for.

Method: builds the layers under the simulator once, from a copy of the sources; then plants one
bug at a time in one file, builds that file and runs seeds until a violation (or a failed CHECK,
or a hang) is reported. The unplanted copy must be clean over the same seeds. A plant whose text
is not found in the sources fails the test: it has to follow the code.
"""
import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.environ.get("TPWALLET_SOURCE", os.getcwd())
COMPILER = os.environ.get("CC", "gcc")
FLAGS = ["-std=gnu17", "-O1", "-g", "-w", "-I."] + ["-I", "src"]
if os.uname().machine == "x86_64":
    FLAGS.append("-march=x86-64-v2")
LAYERS = [
    "base", "crypto", "model", "ledger", "payment", "webhook", "sandbox", "wallet", "sim",
]
CHUNKS = [(0, 19), (20, 59), (60, 119)]  # a bug is looked for in ever more seeds
RUN_SECONDS_MAX = 40

# what, file, text, text with the bug
PLANTS = [
    ("a write is answered before it is durable", "src/wallet/committer.c",
     "    if (building) {\n        answers_add(&lane->building->answers, request);\n    } else if",
     "    if (building) {\n        answer_give(&lane->waiters, request, status);\n    } else if"),
    ("a read is answered before what it shows is durable", "src/wallet/committer.c",
     "    if (building) {\n        answers_add(&lane->building->answers, request);\n    } else if",
     "    if (request->kind == REQUEST_READ) {\n        answer_give(&lane->waiters, request, status);\n"
     "    } else if (building) {\n        answers_add(&lane->building->answers, request);\n    } else if"),
    ("a repeat is not looked up", "src/wallet/applier.c",
     "    if (status == STATUS_OK) return repeat(lane, locator, transfer, out_result, out_error);",
     "    if (status == STATUS_OK) status = STATUS_NOT_FOUND;"),
    ("a repeat is not compared", "src/wallet/applier.c",
     "    if (effect_same_content(transfer_view_of(record), transfer)) {",
     "    if (transfer != NULL) {"),
    ("a refusal is not journaled", "src/wallet/applier.c",
     "    batch_add(batch, &record->head, record_size(&record->head), unit);\n"
     "    index_insert(lane->indexes[LANE_INDEX_IDS], record->id.value, moment.locator);\n"
     "    *out_record = record;",
     "    if (record->head.outcome == OUTCOME_OK)\n"
     "        batch_add(batch, &record->head, record_size(&record->head), unit);\n"
     "    index_insert(lane->indexes[LANE_INDEX_IDS], record->id.value, moment.locator);\n"
     "    *out_record = record;"),
    ("a linked group that fails is not undone", "src/wallet/applier.c",
     "    while (applied > 0) member_take_back(lane, group, --applied);",
     "    applied = 0;"),
    ("a commit in doubt is taken for a failure", "src/wallet/committer.c",
     "    if (landed) {\n", "    if (false) {\n"),
    ("a commit in doubt is taken for good", "src/wallet/committer.c",
     "    bool landed = status == STATUS_OK && ",
     "    bool landed = status == STATUS_OK || "),
    ("stamps follow the wall clock back", "src/wallet/committer.c",
     "wall.ns > last.ns ? wall.ns : last.ns + 1",
     "wall.ns"),
    ("another fingerprint on a key is let through", "src/wallet/acts.c",
     "    if (!uuid_equal(context->fingerprint, request->fingerprint)) return STATUS_CONFLICT;",
     ""),
    ("a hold expires a second early", "src/ledger/hold_table.c",
     "timeout_s * NS_PER_S, &", "(timeout_s - 1) * NS_PER_S, &"),
    ("a bound ignores what is reserved", "src/ledger/decide.c",
     "sum_fits(from->debits_posted, from->debits_pending, decision->amount, &debits)",
     "sum_fits(from->debits_posted, MONEY_ZERO, decision->amount, &debits)"),
    ("a partial post forgets the rest", "src/ledger/decide.c",
     "    if ((transfer->flags & TRANSFER_FLAG_KEEP_REST) != 0) "
     "decision->released = decision->amount;",
     ""),
    ("replay applies what a slice already has", "src/ledger/replay.c",
     "    return moment.batch > applied_batch;", "    return moment.batch > 0;"),
    ("a checkpoint slice claims the batch after its own", "src/wallet/recovery.c",
     "slice_load(lane->ledger, &slice, stored->at_batch, buf_view(&bytes));",
     "slice_load(lane->ledger, &slice, stored->at_batch + 1, buf_view(&bytes));"),
    ("a write is accepted before the index covers the journal", "src/wallet/lane_task.c",
     "    return !lane->status.rebuilding;", "    return lane != NULL;"),
    ("an id is looked up before the index covers the journal", "src/wallet/lane_task.c",
     "    return needs_index(request->read) && !index_covers(lane) ? STATUS_UNAVAILABLE : STATUS_OK;",
     "    return STATUS_OK;"),
    ("a run that is written in a rebuild claims all of the journal", "src/wallet/indexes.c",
     "    return lane->rebuild.state == REBUILD_RUNNING ? lane->rebuild.walk.sequence",
     "    return lane == NULL ? lane->rebuild.walk.sequence"),
    ("a rebuild leaves a batch out", "src/wallet/rebuild.c",
     "    unsigned which = indexes_lacking(lane, walk->sequence + 1);",
     "    unsigned which = indexes_lacking(lane, walk->sequence);"),
    ("damaged runs are kept", "src/wallet/rebuild.c",
     "    enum status status = runs->clear(runs, out_error);",
     "    enum status status = runs != NULL ? STATUS_OK : STATUS_LIMIT;"),
    ("the index forgets references on replay", "src/wallet/indexes.c",
     "        index_insert(lane->indexes[LANE_INDEX_REFERENCES], transfer->user_ref, locator);",
     "        (void)locator;"),
]


def compile_file(tree, objects, path):
    """Compiles one source; returns the compiler's complaint, or None."""
    target = os.path.join(objects, path.replace("/", "_") + ".o")
    done = subprocess.run([COMPILER, *FLAGS, "-c", path, "-o", target], cwd=tree,
                          capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else done.stderr


def compile_all(tree, objects):
    paths = []
    for layer in LAYERS:
        folder = os.path.join(tree, "src", layer)
        if not os.path.isdir(folder):
            continue
        paths += [f"src/{layer}/{name}" for name in sorted(os.listdir(folder))
                  if name.endswith(".c") and not name.endswith("_test.c")]
    paths.append("tests/sim/seeds_test.c")
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        for path, error in zip(paths, pool.map(lambda p: compile_file(tree, objects, p), paths)):
            if error is not None:
                sys.exit(f"planted: {path} does not compile:\n{error}")


def link(objects, program):
    files = [os.path.join(objects, name) for name in sorted(os.listdir(objects))]
    subprocess.run([COMPILER, *files, "-lcrypto", "-o", program], check=True)


def run_seeds(program):
    """None when all seeds are clean, else the first line of what was found."""
    for first, last in CHUNKS:
        try:
            done = subprocess.run([program, str(first), str(last)], capture_output=True, text=True,
                                  timeout=RUN_SECONDS_MAX, check=False, errors="replace")
        except subprocess.TimeoutExpired:
            return "it does not end"
        output = done.stdout + done.stderr
        lines = [line.strip() for line in output.split("\n")
                 if line.startswith("  at ") or "check failed" in line]
        if lines:
            return lines[0]
        if done.returncode < 0:
            return f"signal {-done.returncode}"
        ended = [line for line in output.split("\n") if line.startswith("seeds ")]
        if not ended or ", violations 0, " not in ended[-1]:
            return "no verdict"
    return None


def plant(tree, path, text, bug):
    with open(os.path.join(tree, path), encoding="utf-8") as file:
        source = file.read()
    if source.count(text) != 1:
        return None
    with open(os.path.join(tree, path), "w", encoding="utf-8") as file:
        file.write(source.replace(text, bug))
    return source


def try_plant(tree, objects, scratch, entry):
    """One plant from planting to taking it out again: what was found, or None."""
    what, path, text, bug = entry
    source = plant(tree, path, text, bug)
    if source is None:
        print(f"  {what}: NOT PLANTED, {path} has no such text")
        return None
    program = os.path.join(scratch, "planted")
    error = compile_file(tree, objects, path)
    if error is not None:
        print(f"  {what}: NOT PLANTED, it does not compile")
    else:
        link(objects, program)
    with open(os.path.join(tree, path), "w", encoding="utf-8") as file:
        file.write(source)
    found = run_seeds(program) if error is None else None
    if error is None:
        print(f"  {what}: {found or 'NOT CAUGHT'}")
    if compile_file(tree, objects, path) is not None:
        sys.exit(f"planted: {path} does not compile any more")
    return found


def main():
    with tempfile.TemporaryDirectory() as scratch:
        tree = os.path.join(scratch, "tree")
        objects = os.path.join(scratch, "objects")
        os.mkdir(objects)
        shutil.copytree(os.path.join(SOURCE, "src"), os.path.join(tree, "src"))
        os.makedirs(os.path.join(tree, "tests"))
        shutil.copytree(os.path.join(SOURCE, "tests", "sim"), os.path.join(tree, "tests", "sim"))
        compile_all(tree, objects)
        clean = os.path.join(scratch, "clean")
        link(objects, clean)
        found = run_seeds(clean)
        if found is not None:
            print(f"planted: with no bug planted: {found}")
            return 1
        caught = sum(try_plant(tree, objects, scratch, entry) is not None for entry in PLANTS)
    print(f"{len(PLANTS)} planted, {caught} caught")
    return 0 if caught == len(PLANTS) else 1


if __name__ == "__main__":
    sys.exit(main())
