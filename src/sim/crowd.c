/* Clients: invent, ask until answered, think, again; sometimes many ask one thing at once. */
#include "sim/crowd.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sim/checkers.h"
#include "sim/invention.h"
#include "wallet/history.h"

enum {
    STREAM_SHARED = 3,
    STREAM_CLIENTS = 10000,
    STREAM_AUDITS = 50000,
    ABANDON_PERCENT = 10,
    RACE_PERCENT = 2,
    LOOK_BACK_PERCENT = 6,
    CATCH_UP_PERCENT = 3,
    AUDIT_SAMPLE = 200,
};

struct client {
    struct crowd *crowd;
    struct prng prng;
};

/* One of those who ask the same thing at the same time. */
struct racer {
    struct client client;
    struct question *question;
    struct task *task;
};

void crowd_init(struct crowd *crowd, struct service *service, const struct crowd_profile *profile)
{
    *crowd = (struct crowd){
        .service = service, .profile = *profile, .invent = invent, .invent_opening = invent_opening
    };
    struct prng prng = world_stream(service->world, service->streams + STREAM_SHARED);
    for (uint32_t i = 0; i < CROWD_REFERENCES; i++) crowd->references[i] = invent_id(&prng);
}

void crowd_done(struct crowd *crowd)
{
    for (uint32_t i = 0; i < crowd->memory_count; i++) question_release(crowd->memory[i]);
    for (uint32_t i = 0; i < crowd->abandoned_count; i++) question_release(crowd->abandoned[i]);
}

static void remember(struct crowd *crowd, struct prng *prng, struct question *question)
{
    if (question->kind == REQUEST_READ) return;
    if (crowd->memory_count < CROWD_MEMORY) {
        crowd->memory[crowd->memory_count++] = question_share(question);
        return;
    }
    struct question **place = &crowd->memory[prng_below(prng, CROWD_MEMORY)];
    question_release(*place);
    *place = question_share(question);
}

/* Gives up after "not done", so that the end can show that it was not. */
static bool give_up(struct crowd *crowd, struct prng *prng, struct question *question,
                    enum status status)
{
    bool not_done = status == STATUS_UNAVAILABLE || status == STATUS_LIMIT;
    bool writes = question->kind == REQUEST_TRANSFERS || question->kind == REQUEST_PAYMENT;
    if (!not_done || !question->fresh || !writes) return false;
    if (crowd->abandoned_count == CROWD_ABANDONED_MAX) return false;
    if (!prng_chance(prng, ABANDON_PERCENT, 100)) return false;
    crowd->abandoned[crowd->abandoned_count++] = question_share(question);
    crowd->told.abandoned++;
    return true;
}

bool crowd_ask(struct crowd *crowd, struct prng *prng, struct question *question)
{
    struct service *service = crowd->service;
    for (;;) {
        struct life *life = service_enter(service, prng);
        if (life == NULL) return false;
        enum status status;
        bool through_done = prng_below(prng, 2) == 0;
        enum ask_end end = ask_once(service, &crowd->told, life, question, through_done, &status);
        service_leave(life);
        if (end == ASK_ANSWERED) return true;
        if (end == ASK_FAILED && give_up(crowd, prng, question, status)) return true;
        task_sleep(service->world, (int64_t)prng_between(prng, 1, 300) * NS_PER_MS);
    }
}

/* ---- Races ---- */

static void race_body(void *argument)
{
    struct racer *racer = argument;
    /* false: the service has stopped for good, and there is no answer to wait for */
    (void)crowd_ask(racer->client.crowd, &racer->client.prng, racer->question);
}

static void race(struct client *client, struct question *question)
{
    struct crowd *crowd = client->crowd;
    struct racer racers[CROWD_RACERS_MAX];
    uint32_t count = (uint32_t)prng_between(&client->prng, 2, CROWD_RACERS_MAX);
    question->fresh = false;
    for (uint32_t i = 0; i < count; i++) {
        racers[i] = (struct racer){ .client = { .crowd = crowd }, .question = question };
        prng_init(&racers[i].client.prng, prng_next(&client->prng));
        racers[i].task = task_spawn(crowd->service->world, "racer", race_body, &racers[i]);
    }
    for (uint32_t i = 0; i < count; i++) task_join(crowd->service->world, racers[i].task);
}

/* ---- Looking at the journal itself, as an auditor beside the lane ---- */

static void batch_compare(struct crowd *crowd, struct life *life, uint64_t sequence)
{
    BUF_SCOPE struct buf blob;
    buf_init(&blob, BATCH_SIZE_MAX);
    if (life->store->read(life->store, sequence, &blob, NULL) != STATUS_OK) return;
    const struct sim_batch *written = sim_disk_batch(crowd->service->disk, sequence);
    bool same = blob.len == written->size && memcmp(blob.data, written->data, blob.len) == 0;
    if (!same) verdict_violation(&crowd->service->verdict, "a batch is read that was not written");
}

/* Has the index flushed early, so that runs are written and merged in a short life too. */
static void catch_up(struct client *client)
{
    struct life *life = service_enter(client->crowd->service, &client->prng);
    if (life == NULL) return;
    lane_catch_up(life->lane);
    service_leave(life);
}

/* The balance of some account at some time past, walked back from a later state of it. */
static void balance_compare(struct client *client, struct life *life)
{
    struct service *service = client->crowd->service;
    const struct model *model = service->model;
    if (model->account_count == 0) return;
    const struct model_account *account =
        &model->accounts[prng_below(&client->prng, model->account_count)];
    struct position at =
        account->versions[prng_below(&client->prng, account->version_count)].position;
    struct account_state now = account->state;
    const struct balance then = model_account_at(account, at)->balance;
    struct balance balance = { 0 };
    struct error error;
    enum status status = history_balance_at(life->store, &now, at, &balance, &error);
    if (status == STATUS_UNAVAILABLE) return;
    if (status == STATUS_CORRUPT && life_damage_possible(life)) return;
    bool same = status == STATUS_OK && money_equal(balance.debits_posted, then.debits_posted) &&
                money_equal(balance.debits_pending, then.debits_pending) &&
                money_equal(balance.credits_posted, then.credits_posted) &&
                money_equal(balance.credits_pending, then.credits_pending);
    if (!same) {
        verdict_violation(&service->verdict, "history gives another balance (%s)",
                          status_name(status));
    }
}

static void look_back(struct client *client)
{
    struct service *service = client->crowd->service;
    uint64_t head = sim_disk_head(service->disk);
    if (head == 0) return;
    uint64_t wanted = prng_between(&client->prng, 1, head);
    struct wall_time stamp = sim_disk_batch(service->disk, wanted)->stamp;
    struct life *life = service_enter(service, &client->prng);
    if (life == NULL) return;
    uint64_t sequence = 0;
    if (life->store->find_stamp(life->store, stamp, &sequence, NULL) == STATUS_OK) {
        if (sequence != wanted) verdict_violation(&service->verdict, "a stamp finds another batch");
        batch_compare(client->crowd, life, sequence);
    }
    balance_compare(client, life);
    service_leave(life);
    client->crowd->told.history_reads++;
}

/* ---- Clients ---- */

static bool client_question(struct client *client)
{
    struct crowd *crowd = client->crowd;
    bool first = crowd->service->model->account_count == 0;
    struct question *question =
        first ? crowd->invent_opening(crowd, &client->prng) : crowd->invent(crowd, &client->prng);
    bool go_on = true;
    bool racing = !first && question->count <= 8 && prng_chance(&client->prng, RACE_PERCENT, 100);
    if (racing) {
        race(client, question);
    } else {
        go_on = crowd_ask(crowd, &client->prng, question);
    }
    uint32_t given_up = crowd->abandoned_count;
    bool abandoned = given_up > 0 && crowd->abandoned[given_up - 1] == question;
    if (!abandoned) remember(crowd, &client->prng, question);
    question_release(question);
    return go_on;
}

static void client_body(void *argument)
{
    struct client *client = argument;
    struct crowd *crowd = client->crowd;
    struct world *world = crowd->service->world;
    for (uint32_t i = 0; i < crowd->profile.questions; i++) {
        task_sleep(world, (int64_t)prng_between(&client->prng, 0, crowd->profile.think_ms_max) *
                              NS_PER_MS);
        if (!client_question(client)) break;
        if (prng_chance(&client->prng, LOOK_BACK_PERCENT, 100)) look_back(client);
        if (prng_chance(&client->prng, CATCH_UP_PERCENT, 100)) catch_up(client);
    }
    crowd->busy--;
    free(client);
}

void crowd_start(struct crowd *crowd)
{
    for (uint32_t i = 0; i < crowd->profile.clients; i++) {
        struct client *client = calloc(1, sizeof *client);
        CHECK(client != NULL);
        client->crowd = crowd;
        client->prng =
            world_stream(crowd->service->world, crowd->service->streams + STREAM_CLIENTS + i);
        crowd->busy++;
        (void)task_spawn(crowd->service->world, "client", client_body, client); /* ends by itself */
    }
}

/* ---- Audits ---- */

/* True: answered. */
static bool audit_ask(struct crowd *crowd, struct life *life, struct question *question)
{
    enum status status;
    enum ask_end end = ask_once(crowd->service, &crowd->told, life, question, true, &status);
    question_release(question);
    return end == ASK_ANSWERED;
}

static bool audit_page(struct crowd *crowd, struct life *life, uint64_t from)
{
    struct question *question = question_new(REQUEST_READ, 0);
    question->read_kind = READ_ACCOUNT_PAGE;
    question->from = from;
    question->limit = 40;
    return audit_ask(crowd, life, question);
}

static bool audit_ids(struct crowd *crowd, struct life *life, enum read_kind kind, uint32_t first,
                      uint32_t count)
{
    const struct model *model = crowd->service->model;
    struct question *question = question_new(REQUEST_READ, count);
    question->read_kind = kind;
    for (uint32_t i = 0; i < count; i++) {
        question->ids[i] = model->transfers[first + i].asked.id.value;
    }
    return audit_ask(crowd, life, question);
}

static bool audit_totals(struct crowd *crowd, struct life *life)
{
    struct question *question = question_new(REQUEST_READ, 0);
    question->read_kind = READ_TOTALS;
    question->limit = 100;
    return audit_ask(crowd, life, question);
}

void crowd_audit(struct crowd *crowd, struct life *life, bool all)
{
    const struct model *model = crowd->service->model;
    bool go_on = audit_totals(crowd, life);
    for (uint64_t from = 0; go_on && from <= model->account_count; from += 40) {
        go_on = audit_page(crowd, life, from);
    }
    uint64_t stream = crowd->service->streams + STREAM_AUDITS + life->process.number;
    struct prng prng = world_stream(crowd->service->world, stream);
    uint32_t known = model->transfer_count;
    if (known == 0) return;
    uint32_t first = all ? 0 : (uint32_t)prng_below(&prng, known);
    uint32_t last = all || known - first < AUDIT_SAMPLE ? known : first + AUDIT_SAMPLE;
    while (go_on && first < last) {
        uint32_t count = last - first < READ_IDS_MAX ? last - first : READ_IDS_MAX;
        go_on = audit_ids(crowd, life, READ_TRANSFERS, first, count) &&
                audit_ids(crowd, life, READ_CLOSING, first, count);
        first += count;
    }
}
