#!/usr/bin/python3
"""Goal: the simulator finds the bugs it is there for.

Method: builds the layers under the simulator once, from a copy of the sources; then plants one
bug at a time in one file, builds that file and runs seeds until a violation (or a failed CHECK,
or a hang) is reported. Names of workloads as arguments: only theirs. The unplanted copy must be clean over the same seeds. A plant whose text
is not found in the sources fails the test: it has to follow the code.
"""
import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile
import time

SOURCE = os.environ.get("TPWALLET_SOURCE", os.getcwd())
COMPILER = os.environ.get("CC", "gcc")
FLAGS = ["-std=gnu17", "-O1", "-g", "-w", "-I."] + ["-I", "src"]
if os.uname().machine == "x86_64":
    FLAGS.append("-march=x86-64-v2")
LAYERS = [
    "base", "crypto", "model", "ledger", "payment", "webhook", "sandbox", "tlog", "wallet", "sim",
]
CHUNKS = {  # a bug is looked for in ever more seeds
    "ledger": [(0, 19), (20, 59), (60, 119)],
    "payments": [(0, 4), (5, 19), (20, 34), (35, 49)],
    "lanes": [(0, 9), (10, 39), (40, 79)],
}
CLEAN_SECONDS_MAX = 600  # without a bug
SLOWER_MAX, RUN_SECONDS_MIN = 10, 60  # a bug may make a run so much slower; then it does not end

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
    ("an open hold of a payment is anybody's", "src/ledger/decide.c",
     "    if (hold->owned != 0 && !is_owned(transfer->flags)) {", "    if (hold->owned > 1) {"),
    ("whose a hold is does not survive a crash", "src/ledger/replay.c",
     "        .owned = hold_owner_of(view.record->head.kind, view.record->head.flags),", ""),
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
    ("a refused account is not journaled", "src/wallet/acts.c",
     "    batch_add(batch, &record->head, sizeof *record, batch->unit_count);\n"
     "    indexes_enter(",
     "    if (outcome != ACCOUNT_OUTCOME_OK) return;\n"
     "    batch_add(batch, &record->head, sizeof *record, batch->unit_count);\n"
     "    indexes_enter("),
    ("a repeated account is not compared", "src/wallet/acts.c",
     "    bool same = account_same_content(&record->account, account);", "    bool same = true;"),
    ("a repeated account has no position", "src/wallet/acts.c",
     "        .position = known.position,\n        .stamp = known.stamp,\n"
     "        .outcome = same", "        .stamp = known.stamp,\n        .outcome = same"),
    ("the index forgets refused accounts on replay", "src/wallet/indexes.c",
     "    if ((which & 1U << LANE_INDEX_ACCOUNTS) != 0) {",
     "    if ((which & 1U << LANE_INDEX_ACCOUNTS) != 0 &&\n"
     "        (which == UINT32_MAX || record->head.outcome == ACCOUNT_OUTCOME_OK)) {"),
    ("refused accounts are listed by their reference", "src/wallet/indexes.c",
     "    if (record->head.outcome != ACCOUNT_OUTCOME_OK || uuid_is_nil(account->user_ref)) return;",
     "    if (uuid_is_nil(account->user_ref)) return;"),
    ("a read says that it shows more than it does", "src/wallet/acts.c",
     "building ? lane->building->batch.unit_count : UINT32_MAX;", "UINT32_MAX;"),
    ("the reason of an act is lost", "src/wallet/acts.c",
     "    reason_add(batch, &admin);\n", ""),
    ("the index forgets references on replay", "src/wallet/indexes.c",
     "        index_insert(lane->indexes[LANE_INDEX_REFERENCES], transfer->user_ref, locator);",
     "        (void)locator;"),
    ("a checkpoint is shown before its head is recorded", "src/wallet/log_relay.c",
     "    status = files->head_write(files, &head, out_error);\n",
     "    relay->head = head;\n    status = checkpoint_show(relay, out_error);\n"
     "    if (status == STATUS_OK) status = files->head_write(files, &head, out_error);\n"),
    ("the recorded head is forgotten at the start", "src/wallet/log_relay.c",
     "        if (status == STATUS_OK) relay->head = head;\n", ""),
    ("more leaves are signed than are durable", "src/wallet/log_relay.c",
     "        .size = relay->builder.tree.size,\n", "        .size = relay->builder.tree.size + 1,\n"),
    ("a head is recorded before its tiles are safe", "src/wallet/log_relay.c",
     "    if (status == STATUS_OK) status = files->sync(files, out_error);\n"
     "    if (status != STATUS_OK) return status;\n    const",
     "    if (status != STATUS_OK) return status;\n    const"),
    ("the log leaves out a unit", "src/wallet/log_builder.c",
     "    return begun ? leaf_append(builder, out_error) : STATUS_OK;",
     "    return begun && leaf->head.unit > 0 ? leaf_append(builder, out_error) : STATUS_OK;"),
    ("the log is resumed behind a batch that it lacks", "src/wallet/log_relay.c",
     "    if (resumed) walk_begin(relay, relay->head.batch);",
     "    if (resumed) walk_begin(relay, relay->head.batch + 1);"),
    ("readers are given a checkpoint that a crash took back", "src/wallet/log_relay.c",
     "    if (status != STATUS_OK || written) return status;",
     "    if (status != STATUS_OK || written || recorded.size != UINT64_MAX) return status;"),
]

# The same for the workload of payments; where one place is not enough, a list of (text, bug).
PAYMENT_PLANTS = [
    ("the mark of a key (a webhook's, too) is not kept", "src/wallet/payer.c",
     "    if (request->key_is_new) index_insert(lane->indexes[LANE_INDEX_KEYS], request->key, "
     "context);\n", "    (void)context;\n"),
    ("a webhook's signature is not looked at", "src/wallet/webhook_in.c",
     "    if (!verified(in, sender, arrival, out_text)) return counted(in, WEBHOOK_IN_REJECTED);",
     ""),
    ("a webhook that the lane did not take is told as done", "src/wallet/webhook_in.c",
     "    if (command_run(act, &command, key_of(act), &result) != STATUS_OK) "
     "return WEBHOOK_IN_NOT_TAKEN;",
     "    if (command_run(act, &command, key_of(act), &result) != STATUS_OK) "
     "return WEBHOOK_IN_DONE;"),
    ("a timeout is taken for a decline", "src/payment/flow_answer.c",
     "    case PSP_ANSWER_UNKNOWN: in_doubt(flow, reply->reason); return;",
     "    case PSP_ANSWER_UNKNOWN: flow_step_failed(flow, reply->reason); return;"),
    ("not found within the horizon is taken for not done", "src/payment/flow_answer.c",
     '        in_doubt(flow, "not_found_yet");\n', '        flow_step_failed(flow, "not_found");\n'),
    ("what came back is compensated at every telling", "src/payment/flow_answer.c",
     [("        payment->posted = flow_reversal(flow, payment->posted);\n    }\n"
       "    payment->captured = MONEY_ZERO;\n    flow_state(flow, refund",
       "        payment->posted = flow_direct(flow, flow_account(flow, CHART_CLEARING), "
       "payment->wallet, payment->amount);\n    }\n"
       "    payment->captured = MONEY_ZERO;\n    flow_state(flow, refund"),
      ("    if (answer != PSP_ANSWER_DECLINED || payment->state != PAYMENT_STATE_SUCCEEDED) return;",
       "    if (answer != PSP_ANSWER_DECLINED || (payment->state != PAYMENT_STATE_SUCCEEDED && "
       "payment->state != PAYMENT_STATE_RETURNED)) return;")]),
    ("a PSP is asked before the intent is durable", "src/wallet/payer.c",
     "payment_take_due(table, now, lane->head.sequence)",
     "payment_take_due(table, now, UINT64_MAX)"),
    ("an order is sent again when its key may be forgotten", "src/payment/decide.c",
     "    if (now.ns < payment->step_at.ns + window_ns) return PAYMENT_CALL_ORDER;",
     "    if (window_ns != 0) return PAYMENT_CALL_ORDER;"),
    ("the PSP's key has the number of the attempt", "src/wallet/saga.c",
     "        .step_number = payment->step_number,\n        .operation",
     "        .step_number = payment->step_number + payment->attempts,\n        .operation"),
    ("refunds on their way do not count against the limit", "src/payment/flow.c",
     "{ payment->refunded, payment->refund_pending, payment->disputed }",
     "{ payment->refunded, MONEY_ZERO, payment->disputed }"),
    ("a late success is dropped", "src/payment/flow_answer.c",
     "    if (answer == PSP_ANSWER_DONE && payment->state == PAYMENT_STATE_FAILED &&",
     "    if (answer == PSP_ANSWER_PENDING && payment->state == PAYMENT_STATE_FAILED &&"),
    ("a late failure is dropped", "src/payment/flow_answer.c",
     "        flow_came_back(flow, flow->command->reply.reason);\n",
     "        (void)flow;\n"),
    ("a hint that races the answer credits again", "src/payment/flow_answer.c",
     [("    if (answer == PSP_ANSWER_DONE && payment->state == PAYMENT_STATE_FAILED &&",
       "    if (answer == PSP_ANSWER_DONE && payment->state != PAYMENT_STATE_MANUAL &&"),
      ("    if (!money_is_zero(payment->captured)) { /* it was credited before there were doubts */",
       "    if (false) {")]),
    ("a payment that is due is forgotten in a restart", "src/ledger/payment_table.c",
     "        due_insert(table, place);\n        state_enter(table, place);\n        table->count++;",
     "        state_enter(table, place);\n        table->count++;"),
    ("an event is left out of the feed", "src/wallet/payer.c",
     "           !money_equal(before->refunded, after->refunded) ||\n", ""),
    ("an answer that nobody understands is taken for done", "src/payment/flow_answer.c",
     "    case PSP_ANSWER_UNKNOWN: in_doubt(flow, reply->reason); return;",
     "    case PSP_ANSWER_UNKNOWN: flow_step_done(flow); return;"),
]

# And for that of lanes.
LANE_PLANTS = [
    ("settled before the other lane has recorded it", "src/wallet/transit.c",
     "    if (status != STATUS_OK) return status;\n"
     "    for (uint32_t i = 0; i < count; i++) {\n"
     "        way->departures[which[i]].outcome = way->results[i].outcome;",
     "    if (status != STATUS_OK && status != STATUS_IN_DOUBT) return status;\n"
     "    for (uint32_t i = 0; i < count; i++) {\n"
     "        way->departures[which[i]].outcome = status == STATUS_OK ? way->results[i].outcome : "
     "OUTCOME_OK;"),
    ("released without a tombstone in the other lane", "src/wallet/transit.c",
     "        enum status status = arrivals_ask_all(way, asking);\n",
     "        enum status status = STATUS_OK;\n"
     "        if (asking != ASKING_WITHDRAW) status = arrivals_ask_all(way, asking);\n"
     "        for (uint32_t i = 0; i < way->count && status == STATUS_OK; i++)\n"
     "            if (asking == ASKING_WITHDRAW && way->departures[i].asking == asking)\n"
     "                way->departures[i].outcome = OUTCOME_WITHDRAWN;\n"),
    ("the tombstone is not recorded", "src/wallet/applier.c",
     "    batch_add(batch, &record->head, record_size(&record->head), batch->unit_count);\n"
     "    index_insert(lane->indexes[LANE_INDEX_IDS], record->id.value, moment.locator);\n"
     "    return record;", "    return record;"),
    ("the tombstone is not found again", "src/wallet/applier.c",
     "    index_insert(lane->indexes[LANE_INDEX_IDS], record->id.value, moment.locator);\n"
     "    return record;", "    return record;"),
    ("what was asked back is released though it had arrived", "src/wallet/transit.c",
     "        way->departures[which[i]].outcome = way->results[i].outcome;",
     "        way->departures[which[i]].outcome = request.withdraw ? OUTCOME_WITHDRAWN : "
     "way->results[i].outcome;"),
    ("what is on its way is forgotten in a restart", "src/ledger/replay.c",
     "        .owned = hold_owner_of(view.record->head.kind, view.record->head.flags),",
     "        .owned = HOLD_OF_PAYMENT,"),
    ("a second attempt arrives under another id", "src/model/transit.c",
     "        .id = transit_arrival_id(departure->id),", ""),
    ("a wallet that was frozen meanwhile keeps what has arrived from being settled",
     "src/ledger/decide.c", "transfer->kind == TRANSFER_VOID || decision->in_transit;",
     "transfer->kind == TRANSFER_VOID;"),
    ("an id that somebody has taken holds a departure open", "src/wallet/transit.c",
     "    if (count > 0 && status == STATUS_OK) status", "    if (count > ROUND_MAX) status"),
    ("customers may take back what is on its way", "src/model/transit.c",
     "    departure.flags = TRANSFER_FLAG_OWNED;", "    departure.flags = 0;"),
    ("a payment succeeds when its money leaves", "src/payment/flow.c",
     "    flow->payment->step_at = flow->facts->stamp;\n    flow_state(flow, PAYMENT_STATE_PENDING);",
     "    flow->payment->captured = amount;\n    flow_state(flow, PAYMENT_STATE_SUCCEEDED);"),
    ("a payment's departure is ended as a transfer's", "src/wallet/transit.c",
     "        departure->paid = payment_waits_for(payment, departure->entry.transfer.id);",
     "        departure->paid = way == NULL;"),
    ("whoever names a payment has its end", "src/wallet/transit.c",
     "payment_waits_for(payment, departure->entry.transfer.id);",
     "payment_in_transit(payment);"),
    ("a payment fails, and its money stays on its way", "src/payment/flow_move.c",
     "    flow_departure_end(flow, arrival);\n    bool merchant",
     "    if (arrival == OUTCOME_OK) flow_departure_end(flow, arrival);\n    bool merchant"),
    ("a payment that was refused there is said to be paid", "src/payment/flow_move.c",
     "    bool there = arrival == OUTCOME_OK;\n    if (there)",
     "    bool there = arrival != OUTCOME_WITHDRAWN;\n    if (there)"),
    ("what comes back of a capture is reserved without the rest", "src/payment/flow_move.c",
     "    payment->hold = flow_reserve(flow, reserved_amount(payment));",
     "    payment->hold = flow_reserve(flow, payment->step_amount);"),
    ("the rest stays reserved when the last part is there", "src/payment/flow_move.c",
     "        if (last) hold_release(flow);\n", ""),
    ("what arrives may be for an account between lanes", "src/wallet/applier.c",
     "    bool nobodys = transit_arrives(transfer) &&",
     "    bool nobodys = request == NULL && transit_arrives(transfer) &&"),
    ("payments from other lanes are for any account", "src/wallet/applier.c",
     "    if (!request->to_wallets && !gives) return", "    if (gives || request != NULL) return"),
    ("what the other lane refuses for good stays on its way", "src/wallet/transit.c",
     "        if (departure->outcome == OUTCOME_OPEN || departure->paid) continue;",
     "        if (departure->outcome != OUTCOME_OK || departure->paid) continue;"),
    ("a payment that the other lane refuses for good is left waiting", "src/wallet/transit.c",
     "        if (departure->outcome == OUTCOME_OPEN || !departure->paid) continue;",
     "        if (departure->outcome != OUTCOME_OK || !departure->paid) continue;"),
    ("what was never refused is taken for stuck", "src/wallet/transit_stuck.c",
     "    if (at == stuck->count) return false;", "    if (at == stuck->count) return paid;"),
    ("this lane refuses to give back what has left", "src/ledger/decide.c",
     "    decision->in_transit = hold->owned == HOLD_OF_TRANSIT;",
     "    decision->in_transit = hold->owned == HOLD_OF_TRANSIT;\n"
     "    if (decision->in_transit && transfer->kind == TRANSFER_VOID)\n"
     "        decision->outcome = OUTCOME_HOLD_EXPIRED;"),
    ("a departure names the wrong account", "src/model/transit.c",
     "    const struct account_id named = { more->target.value };",
     "    const struct account_id named = way.out ? departure->debit : departure->credit;"),
    ("what is on its way back can be refunded once more", "src/payment/flow.c",
     "{ payment->refunded, payment->refund_pending, payment->disputed };",
     "{ payment->refunded, MONEY_ZERO, payment->disputed };"),
    ("a refund that has come is asked for once more", "src/payment/flow.c",
     "    bool fits = money_add(parent->refunded, flow->payment->amount, &parent->refunded);",
     "    bool fits = flow->before == NULL && "
     "money_add(parent->refunded, flow->payment->amount, &parent->refunded);\n"
     "    fits = fits || flow->before != NULL;"),
    ("a refund that came to nothing counts as given", "src/payment/flow_move.c",
     "    if (there) flow_refund_given(flow);", "    flow_refund_given(flow);"),
    ("a refund is given with each asking", "src/model/transit.c",
     "        .id = transit_arrival_id(departure->id),",
     "        .id = way.out ? transit_arrival_id(departure->id) : (struct transfer_id){ { 0 } },"),
    ("a refund is given by any account", "src/wallet/applier.c",
     "ledger_account_find(lane->ledger, named);",
     "ledger_account_find(lane->ledger, transfer->credit);"),
    ("what is to come from another lane is not carried on", "src/wallet/transit_apply.c",
     "    if (!transit_account_is(id)) id = ledger_account(lane->ledger, hold->debit)->account.id;",
     ""),
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
    subprocess.run([COMPILER, *files, "-lnettle", "-lsodium", "-o", program], check=True)


def run_seeds(program, workload, seconds_max):
    """None when all seeds are clean, else the first line of what was found."""
    for first, last in CHUNKS[workload]:
        try:
            done = subprocess.run([program, workload, str(first), str(last)], capture_output=True,
                                  text=True, timeout=seconds_max, check=False,
                                  errors="replace")
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


def plant(tree, path, pairs):
    with open(os.path.join(tree, path), encoding="utf-8") as file:
        source = file.read()
    planted = source
    for text, bug in pairs:
        if planted.count(text) != 1:
            return None
        planted = planted.replace(text, bug)
    with open(os.path.join(tree, path), "w", encoding="utf-8") as file:
        file.write(planted)
    return source


def try_plant(tree, objects, scratch, workload, entry, seconds_max):
    """One plant from planting to taking it out again: what was found, or None."""
    what, path = entry[:2]
    source = plant(tree, path, entry[2] if isinstance(entry[2], list) else [entry[2:]])
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
    found = run_seeds(program, workload, seconds_max) if error is None else None
    if error is None:
        print(f"  {what}: {found or 'NOT CAUGHT'}")
    if compile_file(tree, objects, path) is not None:
        sys.exit(f"planted: {path} does not compile any more")
    return found


def main():
    every = (("ledger", PLANTS), ("payments", PAYMENT_PLANTS), ("lanes", LANE_PLANTS))
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
        planted = caught = 0
        for workload, plants in every:
            if sys.argv[1:] and workload not in sys.argv[1:]:
                continue
            begun = time.monotonic()
            found = run_seeds(clean, workload, CLEAN_SECONDS_MAX)
            seconds_max = max(RUN_SECONDS_MIN, SLOWER_MAX * (time.monotonic() - begun))
            if found is not None:
                print(f"planted: {workload}, with no bug planted: {found}")
                return 1
            print(f"{workload}:")
            planted += len(plants)
            caught += sum(try_plant(tree, objects, scratch, workload, entry, seconds_max) is not None
                          for entry in plants)
    print(f"{planted} planted, {caught} caught")
    return 0 if caught == planted else 1


if __name__ == "__main__":
    sys.exit(main())
