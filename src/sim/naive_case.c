#include "sim/naive_case.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/json_writer.h"
#include "sim/naive_api.h"
#include "sim/naive_bank.h"
#include "sim/naive_broker.h"
#include "sim/naive_chain.h"
#include "sim/naive_db.h"
#include "sim/naive_dump.h"
#include "sim/naive_jobs.h"
#include "sim/naive_ops.h"
#include "sim/naive_plan.h"
#include "sim/naive_psp.h"

static struct naive_world *world_run(uint64_t seed, const struct naive_fault_set *faults)
{
    struct naive_world *world = naive_world_new(seed, faults);
    naive_plan_make(world);
    naive_clients_start(world);
    naive_psp_start(world);
    naive_broker_start(world);
    naive_bank_start(world);
    naive_chain_start(world);
    naive_jobs_start(world);
    naive_ops_start(world);
    naive_world_run(world);
    naive_dump(world);
    naive_psp_dump(world);
    naive_broker_dump(world);
    naive_bank_dump(world);
    naive_ops_dump(world);
    return world;
}

/* ---- the truth ---- */

static int64_t posted_to(const struct naive_world *world, uint32_t account)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < world->posting_count; i++) {
        const struct naive_posting *posting = &world->postings[i];
        if (posting->account == account && !world->txs[posting->tx].gone) sum += posting->amount;
    }
    return sum;
}

/* A wish that needs only money: whether it is there may be a consequence of the fault. */
static bool is_by_funds(enum naive_op_kind kind)
{
    return kind != OP_REFUND && kind != OP_TOPUP && kind != OP_ADJUSTMENT;
}

/* What the other run has refused to its client, and is not looked at. */
static bool is_refused(const struct naive_world *other, uint32_t origin, bool by_funds)
{
    const struct naive_op *op = &other->ops[origin];
    return !op->acked && (!by_funds || is_by_funds(op->kind));
}

static bool is_applied(const struct naive_world *world, const struct naive_message *message)
{
    for (uint32_t i = 0; i < world->message_count; i++)
        if (world->messages[i].applied_us >= 0 &&
            strcmp(world->messages[i].event, message->event) == 0)
            return true;
    return false;
}

/* An event that a relay or a consumer which runs again brings, to an inbox that looks. */
static bool is_to_come(const struct naive_world *world, const struct naive_message *message)
{
    bool unsent = message->published_us < 0 && message->outbox_us >= 0 && !message->gone;
    bool unread = message->published_us >= 0 &&
                  message->offset >= world->partitions[message->partition].committed;
    return message->version == 2 && !message->copy && (unsent || unread) &&
           !is_applied(world, message);
}

static int64_t to_come_on(const struct naive_world *world, const struct naive_world *other,
                          uint32_t account, bool by_funds)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < world->message_count; i++) {
        const struct naive_message *message = &world->messages[i];
        if (message->merchant == account && is_to_come(world, message) &&
            !is_refused(other, message->origin, by_funds))
            sum += message->amount;
    }
    return sum;
}

/*
 * What an account has in one run, but for what the other run has refused to its client: nobody
 * owes what nobody was promised, and what a customer did with money that was there stays done.
 */
static int64_t due_on(const struct naive_world *world, const struct naive_world *other,
                      uint32_t account, bool by_funds)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < world->posting_count; i++) {
        const struct naive_posting *posting = &world->postings[i];
        const struct naive_draft *draft = &world->txs[posting->tx].draft;
        if (posting->account != account || world->txs[posting->tx].gone) continue;
        bool asked = draft->origin < other->op_count &&
                     (strcmp(draft->cause, "api") == 0 || strcmp(draft->cause, "saga") == 0 ||
                      strcmp(draft->cause, "message") == 0);
        if (asked && is_refused(other, draft->origin, by_funds)) continue;
        sum += posting->amount;
    }
    return sum;
}

/* Whether what the twin posted more is a consequence that nobody is to take back or to add. */
static bool is_by_refusal(const struct naive_truth *truth)
{
    for (uint32_t i = 0; i < truth->fault_count; i++)
        if (truth->faults[i] == NAIVE_K03 || truth->faults[i] == NAIVE_D15) return true;
    return false;
}

static bool has_fault(const struct naive_truth *truth, enum naive_fault fault)
{
    for (uint32_t i = 0; i < truth->fault_count; i++)
        if (truth->faults[i] == fault) return true;
    return false;
}

/* Whether the repair of any posts; what the others did comes right when something runs again. */
static bool any_posts(const struct naive_truth *truth)
{
    for (uint32_t i = 0; i < truth->fault_count; i++)
        if (naive_fault_facts(truth->faults[i])->money != NAIVE_MONEY_NONE) return true;
    return false;
}

static void drift_add(struct naive_truth *truth, const struct naive_account *account, int64_t delta,
                      bool to_post)
{
    CHECK(truth->drift_count < NAIVE_DRIFTS_MAX);
    struct naive_drift *drift = &truth->drifts[truth->drift_count++];
    memcpy(drift->account, account->id, sizeof drift->account);
    drift->asset = naive_asset_codes[account->asset];
    drift->delta = delta;
    drift->to_post = to_post;
}

/*
 * What this account has paid for transfers that neither arrived nor came back, or, as the payee,
 * did not get by them. Those that the twin took back are in the difference to it.
 */
static int64_t stuck_of(const struct naive_world *world, uint32_t account, bool payee)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < world->op_count; i++) {
        const struct naive_op *op = &world->ops[i];
        if (op->kind != OP_REMITTANCE || (payee ? op->to : op->from) != account) continue;
        if (op->declined) continue;
        bool paid = naive_db_find(world, i, "transfer") != NAIVE_NONE;
        bool ended = naive_db_find(world, i, "other") != NAIVE_NONE ||
                     naive_db_find(world, i, "compensation") != NAIVE_NONE;
        if (paid && !ended) sum += op->amount;
    }
    return sum;
}

/* What an account has too much in its postings. */
static int64_t delta_of(const struct naive_truth *truth, const struct naive_world *world,
                        const struct naive_world *twin, uint32_t at)
{
    const struct naive_account *account = &world->accounts[at];
    if (has_fault(truth, NAIVE_D02)) /* the goods are gone: what is missing is owed by the payer */
        return account->balance < 0 ? account->balance : 0;
    if (has_fault(truth, NAIVE_M03) || is_by_refusal(truth)) return 0;
    int64_t delta = due_on(world, twin, at, true) - due_on(twin, world, at, false);
    if (!has_fault(truth, NAIVE_S01)) return delta;
    /* The payers get it back, instead of the payees what they were to get. */
    return delta + stuck_of(world, at, true) - stuck_of(world, at, false);
}

/*
 * What is to be posted is what an account would have too much when relays and consumers had run
 * again; the rest comes right by that, or its row is rebuilt.
 */
static void truth_find(const struct naive_world *world, const struct naive_world *twin,
                       struct naive_truth *truth)
{
    bool posts = any_posts(truth);
    for (uint32_t i = 0; i < world->account_count; i++) {
        const struct naive_account *account = &world->accounts[i];
        if (account->role != ROLE_CUSTOMER && account->role != ROLE_MERCHANT) continue;
        int64_t delta = delta_of(truth, world, twin, i);
        int64_t row = account->balance - account->opening - posted_to(world, i);
        int64_t to_come = to_come_on(world, twin, i, true) - to_come_on(twin, world, i, false);
        int64_t due = posts ? delta + to_come : 0;
        if (due != 0) drift_add(truth, account, due, true);
        if (delta - due + row != 0 || (due == 0 && account->shown_wrong))
            drift_add(truth, account, delta - due + row, false);
    }
}

static void spans_find(const struct naive_world *world, struct naive_truth *truth)
{
    for (uint32_t i = 0; i < truth->fault_count; i++) {
        int64_t until_us = world->until_us[truth->faults[i]];
        if (until_us > NAIVE_END) until_us = NAIVE_END;
        truth->since_ns[i] = (world->start_unix_us + world->since_us[truth->faults[i]]) * 1000;
        truth->until_ns[i] = (world->start_unix_us + until_us) * 1000;
    }
}

bool naive_case_make(const struct naive_case_options *options, struct naive_case *out_case)
{
    CHECK(options->fault_count <= NAIVE_FAULTS_MAX);
    struct naive_fault_set none = { { false } };
    struct naive_fault_set faults = none;
    *out_case = (struct naive_case){ .options = *options };
    struct naive_truth *truth = &out_case->truth;
    for (uint32_t i = 0; i < options->fault_count; i++) {
        faults.broken[options->faults[i]] = true;
        truth->faults[truth->fault_count++] = options->faults[i];
    }
    struct naive_world *world = world_run(options->seed, &faults);
    bool met = true;
    if (options->fault_count > 0) {
        struct naive_world *twin = world_run(options->seed, &none);
        met = naive_evidence_hash(&world->evidence) != naive_evidence_hash(&twin->evidence);
        truth_find(world, twin, truth);
        spans_find(world, truth);
        naive_world_free(twin);
    }
    if (!met) {
        naive_world_free(world);
        return false;
    }
    for (uint32_t i = 0; i < NAIVE_SOURCES; i++) world->evidence.dropped[i] = options->dropped[i];
    out_case->world = world;
    return true;
}

void naive_case_done(struct naive_case *made)
{
    naive_world_free(made->world);
    made->world = NULL;
}

enum status naive_case_truth(const struct naive_case *made, struct buf *out_json)
{
    const struct naive_truth *truth = &made->truth;
    struct json_writer writer;
    json_writer_init(&writer, out_json);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("faults"));
    json_write_array_begin(&writer);
    for (uint32_t i = 0; i < truth->fault_count; i++)
        json_write_string(&writer, str_from(naive_fault_facts(truth->faults[i])->id));
    json_write_array_end(&writer);
    json_write_key(&writer, STR("affected"));
    json_write_array_begin(&writer);
    for (uint32_t i = 0; i < truth->drift_count; i++) {
        const struct naive_drift *drift = &truth->drifts[i];
        char delta[24];
        int len = snprintf(delta, sizeof delta, "%lld", (long long)drift->delta);
        CHECK(len > 0 && (size_t)len < sizeof delta);
        json_write_object_begin(&writer);
        json_write_key(&writer, STR("account"));
        json_write_string(&writer, str_from(drift->account));
        json_write_key(&writer, STR("ccy"));
        json_write_string(&writer, str_from(drift->asset));
        json_write_key(&writer, STR("delta"));
        json_write_string(&writer, (struct str){ delta, (size_t)len });
        json_write_key(&writer, STR("to_post"));
        json_write_bool(&writer, drift->to_post);
        json_write_object_end(&writer);
    }
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    return json_write_end(&writer);
}
