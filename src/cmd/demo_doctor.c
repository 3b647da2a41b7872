/* A shop whose gateway loses answers before an app without keys; the doctor finds and repairs it. */
#include <string.h>

#include "adapter/new_file.h"
#include "adapter/system_clock.h"
#include "adapter/system_entropy.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/demo.h"
#include "crypto/digest.h"

enum {
    PATH_LEN_MAX = 4095,
    CUSTOMERS = 8,
    PURCHASES = 36,
    LOSES_EACH = 6, /* the gateway loses the answer to each sixth */
    LOG_SIZE_MAX = 1 << 20,
    MODE_FILE = 0600,
    FOUND = 3, /* exit code of a diagnosis: a cause, and other sources that were not there */
};

struct part {
    struct demo *demo;
    struct demo_caller caller;
    struct uuid bank;
    struct uuid shop;
    struct uuid customers[CUSTOMERS];
    struct buf log;         /* of the gateway, as NDJSON */
    uint64_t sold_cents;    /* what customers meant to pay */
    uint64_t doubled_cents; /* what was taken from them again */
    uint32_t doubled;
};

/* One purchase as the app means it, and one attempt at it. */
struct purchase {
    struct uuid customer;
    uint32_t number;
    uint64_t cents;
};

static struct uuid id_make(void)
{
    uint64_t random[2];
    entropy_fill(system_entropy(), random, sizeof random);
    return uuid_v7((uint64_t)(clock_wall(system_clock()).ns / NS_PER_MS), random);
}

static void amount_format(uint64_t cents, struct buf *out)
{
    buf_append_format(out, "%llu.%02llu", (unsigned long long)(cents / 100),
                      (unsigned long long)(cents % 100));
}

static enum status ask(struct part *part, const char *target, unsigned wanted)
{
    struct demo_caller *caller = &part->caller;
    enum status status = demo_caller_ask(caller, API_POST, target, STR(""));
    if (status != STATUS_OK || caller->http_status == wanted) return status;
    return error_set(&part->demo->error, STATUS_UNAVAILABLE, "%s: HTTP %u", target,
                     caller->http_status);
}

/* ---- The shop, and what goes wrong ---- */

static enum status account_make(struct part *part, struct uuid id, const char *kind)
{
    char text[UUID_TEXT_LEN + 1];
    uuid_format(id, text);
    const char *const words[] = { "id", text, "asset", "EUR", "kind", kind, NULL };
    demo_caller_write(&part->caller, words);
    return ask(part, "/v1/accounts", 201);
}

static enum status transfer_make(struct part *part, struct uuid id, struct uuid from,
                                 struct uuid to, uint64_t cents)
{
    char texts[3][UUID_TEXT_LEN + 1];
    BUF_SCOPE struct buf amount;
    buf_init(&amount, 64);
    uuid_format(id, texts[0]);
    uuid_format(from, texts[1]);
    uuid_format(to, texts[2]);
    amount_format(cents, &amount);
    const char *const words[] = { "id",     texts[0], "debit",  texts[1],
                                  "credit", texts[2], "amount", buf_terminated(&amount),
                                  "asset",  "EUR",    NULL };
    demo_caller_write(&part->caller, words);
    return ask(part, "/v1/transfers", 201);
}

static enum status shop_open(struct part *part)
{
    part->bank = id_make();
    part->shop = id_make();
    enum status status = account_make(part, part->bank, "equity");
    if (status == STATUS_OK) status = account_make(part, part->shop, "liability");
    for (uint32_t i = 0; status == STATUS_OK && i < CUSTOMERS; i++) {
        part->customers[i] = id_make();
        status = account_make(part, part->customers[i], "liability");
        if (status == STATUS_OK)
            status = transfer_make(part, id_make(), part->bank, part->customers[i], 50000);
    }
    return status;
}

/* What an access log says of a call: who, what, how it ended, and whether the answer went out. */
static void log_write_call(struct part *part, const struct purchase *purchase, struct uuid tx,
                           bool lost)
{
    char text[UUID_TEXT_LEN + 1];
    char stamp[TIME_TEXT_SIZE];
    BUF_SCOPE struct buf amount;
    struct json_writer writer;
    buf_init(&amount, 64);
    json_writer_init(&writer, &part->log);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("ts"));
    json_write_string(&writer, wall_time_format(clock_wall(system_clock()), stamp));
    json_write_key(&writer, STR("method"));
    json_write_string(&writer, STR("POST"));
    json_write_key(&writer, STR("path"));
    json_write_string(&writer, STR("/v1/transfers"));
    json_write_key(&writer, STR("client"));
    uuid_format(purchase->customer, text);
    json_write_string(&writer, str_from(text));
    json_write_key(&writer, STR("status"));
    json_write_uint64(&writer, 201);
    if (lost) {
        json_write_key(&writer, STR("response_lost"));
        json_write_string(&writer, STR("reset"));
    }
    json_write_key(&writer, STR("body_hash"));
    buf_append_format(&amount, "%u of ", purchase->number);
    amount_format(purchase->cents, &amount);
    json_write_string(&writer, buf_view(&amount));
    json_write_key(&writer, STR("transaction_id"));
    uuid_format(tx, text);
    json_write_string(&writer, str_from(text));
    json_write_object_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK);
    buf_append_byte(&part->log, '\n');
}

/* The mechanism that is broken: each attempt has an id of its own, so nothing can be a repeat. */
static enum status buy(struct part *part, const struct purchase *purchase)
{
    bool lost = purchase->number % LOSES_EACH == LOSES_EACH - 1;
    for (uint32_t attempt = 0; attempt < (lost ? 2U : 1U); attempt++) {
        struct uuid id = id_make();
        enum status status =
            transfer_make(part, id, purchase->customer, part->shop, purchase->cents);
        if (status != STATUS_OK) return status;
        log_write_call(part, purchase, id, lost && attempt == 0);
    }
    part->sold_cents += purchase->cents;
    if (!lost) return STATUS_OK;
    part->doubled++;
    part->doubled_cents += purchase->cents;
    return STATUS_OK;
}

static enum status business(struct part *part)
{
    struct demo *demo = part->demo;
    enum status status = shop_open(part);
    for (uint32_t i = 0; status == STATUS_OK && i < PURCHASES; i++) {
        const struct purchase purchase = { part->customers[i % CUSTOMERS], i, 990 + 10 * i };
        status = buy(part, &purchase);
    }
    if (status != STATUS_OK) return status;
    (void)fprintf(demo->out,
                  "\nA shop, and an app that sends each attempt under a new id. %u purchases; the "
                  "gateway lost the answer to %u, and the app asked again.\n\n",
                  PURCHASES, part->doubled);
    BUF_SCOPE struct buf path;
    buf_init(&path, PATH_LEN_MAX);
    stage_path(&demo->stage, "gateway.log", &path);
    return new_file_write(buf_terminated(&path), buf_view(&part->log), MODE_FILE, &demo->error);
}

/* ---- The doctor ---- */

/* The files of the case, in the stage's folder. */
struct files {
    struct buf folder, anna, bob, carol, policy, log, diagnosis, after;
};

static void file_name(struct demo *demo, const char *name, struct buf *out)
{
    buf_init(out, PATH_LEN_MAX);
    stage_path(&demo->stage, name, out);
}

static void files_name(struct demo *demo, struct files *files)
{
    file_name(demo, "case", &files->folder);
    file_name(demo, "anna.key", &files->anna);
    file_name(demo, "bob.key", &files->bob);
    file_name(demo, "carol.key", &files->carol);
    file_name(demo, "repair.policy", &files->policy);
    file_name(demo, "gateway.log", &files->log);
    file_name(demo, "diagnosis.json", &files->diagnosis);
    file_name(demo, "after.json", &files->after);
}

static void files_free(struct files *files)
{
    struct buf *all[] = { &files->folder, &files->anna, &files->bob,       &files->carol,
                          &files->policy, &files->log,  &files->diagnosis, &files->after };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) buf_free(all[i]);
}

/* A command whose answer goes to a file of the stage and not to the reader. */
static enum status quiet(struct demo *demo, const char *const *words, const char *name, int wanted)
{
    struct child child;
    enum status status = demo_start(demo, words, name, &child);
    if (status != STATUS_OK) return status;
    int code = child_wait(&child);
    if (code == wanted) return STATUS_OK;
    return error_set(&demo->error, STATUS_UNAVAILABLE, "'%s %s' ended with exit code %d", words[0],
                     words[1], code);
}

/* A key of a person's own; appends that they may approve to the policy. */
static enum status person_make(struct demo *demo, const char *name, struct buf *path,
                               struct buf *policy)
{
    BUF_SCOPE struct buf out;
    buf_init(&out, 64);
    buf_append_format(&out, "%s.out", name);
    const char *file = buf_terminated(&out);
    const char *const words[] = { "doctor", "key", buf_terminated(path), "--name", name,
                                  "--json", NULL };
    struct arena arena;
    struct answer_object answer;
    enum status status = quiet(demo, words, file, EXIT_CODE_DONE);
    if (status != STATUS_OK) return status;
    status = arena_init(&arena, 4 * (size_t)DEMO_FILE_SIZE_MAX);
    if (status != STATUS_OK) return error_set(&demo->error, status, "no memory");
    status = demo_answer_read(demo, file, &arena, &answer);
    if (status == STATUS_OK)
        buf_append_format(policy, "approver %.*s\n", STR_ARG(answer_text(&answer, "key")));
    arena_done(&arena);
    return status;
}

static enum status people_make(struct demo *demo, struct files *files)
{
    BUF_SCOPE struct buf policy;
    buf_init(&policy, PATH_LEN_MAX);
    enum status status = person_make(demo, "anna", &files->anna, &policy);
    if (status == STATUS_OK) status = person_make(demo, "bob", &files->bob, &policy);
    if (status == STATUS_OK) status = person_make(demo, "carol", &files->carol, &policy);
    if (status != STATUS_OK) return status;
    buf_append_format(&policy, "max_total EUR 1000.00\nvalid_hours 1\n");
    return new_file_write(buf_terminated(&files->policy), buf_view(&policy), MODE_FILE,
                          &demo->error);
}

/* An hour before anything happened, up to now: the gateway's log is whole for all of it. */
static enum status find(struct demo *demo, struct files *files)
{
    const char *folder = buf_terminated(&files->folder);
    char since[TIME_TEXT_SIZE] = "";
    char until[TIME_TEXT_SIZE] = "";
    struct wall_time now = clock_wall(system_clock());
    (void)wall_time_format((struct wall_time){ now.ns - 3600 * NS_PER_S },
                           since);      /* the view of since */
    (void)wall_time_format(now, until); /* the view of until */
    const char *const collect[] = {
        "doctor",
        "collect",
        folder,
        "--key",
        buf_terminated(&files->anna),
        "--incident",
        "D-1",
        "--title",
        "customers paid twice",
        "--ours",
        "--log",
        buf_terminated(&files->log),
        "--system",
        "gateway",
        "--from",
        since,
        "--to",
        until,
        NULL,
    };
    const char *const shown[] = { "doctor", "diagnose", folder, NULL };
    const char *const kept[] = { "doctor", "diagnose", folder, "--json", NULL };
    enum status status = demo_run(demo, collect);
    if (status == STATUS_OK)
        status = demo_run_in(demo, buf_terminated(&demo->stage.data), shown, (enum exit_code)FOUND);
    if (status != STATUS_OK) return status;
    return quiet(demo, kept, "diagnosis.json", FOUND);
}

/* Proposed by one, rehearsed and approved by others, and done. */
static enum status repair(struct demo *demo, struct files *files)
{
    const char *folder = buf_terminated(&files->folder);
    const char *policy = buf_terminated(&files->policy);
    const char *anna = buf_terminated(&files->anna);
    const char *const plan[] = {
        "doctor",   "plan", folder, "--key", anna, "--diagnosis", buf_terminated(&files->diagnosis),
        "--policy", policy, NULL
    };
    const char *const rehearse[] = {
        "doctor", "rehearse", folder, "--key", buf_terminated(&files->bob), "--policy", policy, NULL
    };
    const char *const bob[] = { "doctor",   "approve", folder, "--key", buf_terminated(&files->bob),
                                "--policy", policy,    NULL };
    const char *const carol[] = {
        "doctor",   "approve", folder, "--key", buf_terminated(&files->carol),
        "--policy", policy,    NULL
    };
    const char *const stop[] = { "doctor", "step",   folder,   "--policy",
                                 policy,   "--key",  anna,     "--number",
                                 "1",      "--done", "--note", "the app is stopped",
                                 NULL };
    const char *const apply[] = { "doctor",   "apply", folder,      "--key", anna,
                                  "--policy", policy,  "--execute", NULL };
    const char *const *const steps[] = { plan, rehearse, bob, carol, stop, apply };
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < sizeof steps / sizeof steps[0]; i++)
        status = demo_run(demo, steps[i]);
    return status;
}

/* What the shop has, as the ledger says. */
static enum status shop_told(struct part *part, const char *when, const char *file, uint64_t wanted)
{
    struct demo *demo = part->demo;
    struct arena arena;
    struct answer_object answer;
    char id[UUID_TEXT_LEN + 1];
    uuid_format(part->shop, id);
    const char *const words[] = { "account", "show", id, "--json", NULL };
    enum status status = quiet(demo, words, file, EXIT_CODE_DONE);
    if (status != STATUS_OK) return status;
    status = arena_init(&arena, 4 * (size_t)DEMO_FILE_SIZE_MAX);
    if (status != STATUS_OK) return error_set(&demo->error, status, "no memory");
    BUF_SCOPE struct buf amount;
    BUF_SCOPE struct buf sold;
    buf_init(&amount, 64);
    buf_init(&sold, 64);
    amount_format(wanted, &amount);
    amount_format(part->sold_cents, &sold);
    status = demo_answer_read(demo, file, &arena, &answer);
    struct str net = status == STATUS_OK ? answer_text(&answer, "balance.net") : STR("");
    (void)fprintf(demo->out, "   the shop has EUR %.*s %s; its customers bought for EUR %s\n",
                  STR_ARG(net), when, buf_terminated(&sold));
    if (status == STATUS_OK && !str_equal(net, buf_view(&amount)))
        status = error_set(&demo->error, STATUS_CORRUPT, "the shop should have EUR %s",
                           buf_terminated(&amount));
    arena_done(&arena);
    return status;
}

static enum status verified(struct part *part, struct files *files)
{
    struct demo *demo = part->demo;
    const char *const verify[] = { "doctor",
                                   "verify-repair",
                                   buf_terminated(&files->folder),
                                   "--policy",
                                   buf_terminated(&files->policy),
                                   "--key",
                                   buf_terminated(&files->anna),
                                   NULL };
    const char *const bundle[] = { "doctor", "verify", buf_terminated(&files->folder), NULL };
    const char *const check[] = { "check", NULL };
    enum status status = demo_run(demo, verify);
    if (status == STATUS_OK) status = demo_run(demo, bundle);
    if (status == STATUS_OK) status = demo_run(demo, check);
    return status;
}

/* One page, which stays when --report says where. */
static enum status reported(struct demo *demo, struct files *files)
{
    BUF_SCOPE struct buf path;
    buf_init(&path, PATH_LEN_MAX);
    stage_path(&demo->stage, "report.html", &path);
    const char *html = invocation_text(demo->invocation, "report");
    if (html == NULL) html = buf_terminated(&path);
    const char *const report[] = {
        "doctor", "report",      buf_terminated(&files->folder),    "--html",
        html,     "--diagnosis", buf_terminated(&files->diagnosis), NULL
    };
    return demo_run(demo, report);
}

static enum status treat(struct part *part)
{
    struct demo *demo = part->demo;
    struct files files;
    files_name(demo, &files);
    enum status status =
        shop_told(part, "now", "shop.sick", part->sold_cents + part->doubled_cents);
    if (status == STATUS_OK) status = people_make(demo, &files);
    if (status == STATUS_OK) status = find(demo, &files);
    if (status == STATUS_OK) status = repair(demo, &files);
    if (status == STATUS_OK) status = verified(part, &files);
    if (status == STATUS_OK) status = shop_told(part, "again", "shop.well", part->sold_cents);
    if (status == STATUS_OK) status = reported(demo, &files);
    files_free(&files);
    return status;
}

/* In a ledger of its own, with a server while the shop is open. */
static enum status part_run(struct part *part)
{
    static const char *const options[] = { "--plain", "--anonymous", NULL };
    struct demo *demo = part->demo;
    enum status status = stage_serve(&demo->stage, options, &demo->error);
    if (status == STATUS_OK)
        status = demo_caller_open(buf_terminated(&demo->stage.data), &demo->error, &part->caller);
    if (status == STATUS_OK) status = business(part);
    demo_caller_close(&part->caller);
    int code = stage_stop(&demo->stage);
    if (status == STATUS_OK && code != EXIT_CODE_DONE)
        status =
            error_set(&demo->error, STATUS_UNAVAILABLE, "the server ended with exit code %d", code);
    return status == STATUS_OK ? treat(part) : status;
}

enum status demo_doctor(struct demo *demo)
{
    struct stage bank = demo->stage;
    enum status status = stage_open("demo-doctor", bank.keep, NULL, &demo->stage, &demo->error);
    if (status != STATUS_OK) {
        demo->stage = bank;
        return status;
    }
    BUF_SCOPE struct buf memory; /* more than a stack should hold */
    buf_init(&memory, sizeof(struct part));
    struct part *part = buf_extend(&memory, sizeof *part);
    if (part != NULL) {
        *part = (struct part){ .demo = demo };
        buf_init(&part->log, LOG_SIZE_MAX);
        status = part_run(part);
        buf_free(&part->log);
    } else {
        status = error_set(&demo->error, STATUS_LIMIT, "no memory");
    }
    demo->stage.keep = demo->stage.keep || status != STATUS_OK;
    if (demo->stage.keep)
        (void)fprintf(demo->out, "kept: %s\n", buf_terminated(&demo->stage.folder));
    stage_close(&demo->stage);
    demo->stage = bank;
    return status;
}
