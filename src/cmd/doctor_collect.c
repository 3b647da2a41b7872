/* tpwallet doctor collect, key, incident: an incident is opened, and its evidence gathered. */
#define _GNU_SOURCE /* memmem() */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "adapter/new_file.h"
#include "adapter/system_clock.h"
#include "adapter/system_entropy.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/doctor_collectors.h"
#include "cmd/doctor_repair.h"
#include "cmd/doctor_tables.h"
#include "cmd/report.h"
#include "doctor/mask.h"

/* ---- a key ---- */

static void key_show(const struct invocation *invocation, struct str key, struct buf *out)
{
    struct json_writer writer;
    if (!invocation->json) {
        buf_append_format(out, "%.*s\n", STR_ARG(key));
        return;
    }
    json_writer_init(&writer, out);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("key"));
    json_write_string(&writer, key);
    json_write_object_end(&writer);
    enum status status = json_write_end(&writer);
    CHECK(status == STATUS_OK); /* a key is far smaller than the buf */
    buf_append_byte(out, '\n');
}

static int key_run(struct invocation *invocation)
{
    struct error error;
    const char *path = invocation->positionals[0];
    const char *name = invocation_text(invocation, "name");
    uint8_t seed[ED25519_SEED_SIZE];
    entropy_fill(system_entropy(), seed, sizeof seed);
    struct note_signer signer;
    if (name == NULL ||
        note_signer_make(str_from(name), NOTE_ED25519, seed, &signer) != STATUS_OK) {
        secret_wipe(seed, sizeof seed);
        (void)error_set(&error, STATUS_INVALID, /* reported right here */
                        "--name says whose key it is: a word without blank or plus");
        return report_error(invocation, &error);
    }
    char private[NOTE_KEY_TEXT_SIZE + 1];
    char public[NOTE_KEY_TEXT_SIZE];
    struct str text = note_signer_format(&signer, private);
    private[text.len] = '\n';
    struct str shown = note_key_format(&signer.key, public);
    enum status status = new_file_write(path, (struct str){ private, text.len + 1 }, 0600, &error);
    secret_wipe(private, sizeof private);
    note_signer_done(&signer);
    if (status != STATUS_OK) return report_error(invocation, &error);
    BUF_SCOPE struct buf out;
    buf_init(&out, 4096);
    key_show(invocation, shown, &out);
    return report_text(invocation, buf_view(&out));
}

static const struct positional key_positionals[] = {
    { "FILE", "a new file, for its owner alone", false },
    { 0 },
};

static const struct option key_options[] = {
    { "name", "NAME", "whose it is: a word", NULL },
    { 0 },
};

const struct command command_doctor_key = {
    .name = "doctor key",
    .summary = "make a key that signs custody and approvals; show its public part",
    .details = "The public key is what others verify with. Each person has a key of their own: "
               "approvals are counted by keys.",
    .positionals = key_positionals,
    .options = key_options,
    .examples = "doctor key anna.key --name anna",
    .run = key_run,
};

/* ---- collecting ---- */

struct collection {
    struct invocation *invocation;
    struct monotonic_time begun;
    struct doctor_bundle bundle;
    struct incident incident;
};

static struct wall_time now(void)
{
    struct clock *clock = system_clock();
    return clock->wall(clock);
}

static enum status time_option(struct collection *all, const char *name, struct wall_time *out_time)
{
    const char *text = invocation_text(all->invocation, name);
    if (text == NULL || wall_time_parse(str_from(text), out_time) == STATUS_OK) return STATUS_OK;
    (void)error_set(&all->bundle.error, STATUS_INVALID, "--%s '%s' is no time", name, text);
    error_hint(&all->bundle.error, "with its zone: 2026-11-23T00:00:00Z or ...T01:00:00+01:00");
    return STATUS_INVALID;
}

static struct str text_option(const struct collection *all, const char *name, const char *fallback)
{
    const char *text = invocation_text(all->invocation, name);
    return str_from(text == NULL ? fallback : text);
}

/* A ticket goes to trackers and people that its evidence does not go to. */
static enum status secret_refuse(struct error *error, const char *where)
{
    enum status status =
        error_set(error, STATUS_INVALID, "%s has a card number or a secret in it", where);
    error_hint(error, "say what it is about by an id, or by its last four digits");
    return status;
}

static enum status incident_read(struct collection *all)
{
    struct error *error = &all->bundle.error;
    all->incident.id = text_option(all, "incident", "INCIDENT");
    all->incident.title = text_option(all, "title", "unnamed incident");
    all->incident.owner = text_option(all, "owner", "");
    all->incident.from.ns = NS_PER_S;
    all->incident.to = now();
    enum status status = time_option(all, "from", &all->incident.from);
    if (status == STATUS_OK) status = time_option(all, "to", &all->incident.to);
    if (status != STATUS_OK) return status;
    if (!mask_is_clean(all->incident.id) || !mask_is_clean(all->incident.title) ||
        !mask_is_clean(all->incident.owner))
        return secret_refuse(error, "--incident, --title or --owner");
    bool good = incident_id_is_valid(all->incident.id) &&
                all->incident.title.len <= INCIDENT_TEXT_MAX &&
                all->incident.owner.len <= INCIDENT_WORD_MAX &&
                all->incident.from.ns <= all->incident.to.ns;
    if (good) return STATUS_OK;
    return error_set(error, STATUS_INVALID,
                     "an incident has an id of letters, digits and '-', a title of at most 1000 "
                     "bytes, an owner of at most 64, and a window that does not end before it "
                     "begins");
}

/* A note in the ticket says what was collected. */
static enum status took(struct collection *all, const char *what, const char *name)
{
    char note[INCIDENT_TEXT_MAX];
    int len = snprintf(note, sizeof note, "collected %s: %.800s", what, name);
    CHECK(len > 0);
    return doctor_bundle_note(&all->bundle, note);
}

/* Two states of one ledger would be two ledgers. */
static enum status ours_collect(struct doctor_bundle *bundle, const struct invocation *invocation)
{
    struct str rest = buf_view(&bundle->sources);
    struct str line;
    enum status status = doctor_bundle_is_of_folder(bundle, invocation->data);
    if (status != STATUS_OK) return status;
    while (str_take_line(&rest, &line)) {
        if (memmem(line.data, line.len, DOCTOR_OURS_COLLECTOR, sizeof DOCTOR_OURS_COLLECTOR - 1) ==
            NULL)
            continue;
        status = error_set(&bundle->error, STATUS_CONFLICT, "our ledger is in this bundle already");
        error_hint(&bundle->error, "a later look is a bundle of its own: `tpwallet doctor collect "
                                   "NEW --key FILE --incident ID --again BUNDLE --ours`");
        return status;
    }
    const struct doctor_scope_words words = doctor_scope_words_of(invocation);
    return doctor_collect_ours(bundle, invocation->data, &words);
}

/* In this order. */
static const struct doctor_collector collectors[] = {
    { "ours", "our ledger", ours_collect },
    { "again", "an earlier bundle", doctor_collect_again },
    { "tables", "tables", doctor_collect_tables },
    { "statement", "a statement", doctor_collect_statement },
    { "log", "a log", doctor_collect_log },
    { "certificates", "certificates", doctor_collect_certificates },
    { "endpoint", "an endpoint", doctor_collect_endpoint },
    { "postgres", "a PostgreSQL", doctor_collect_postgres },
    { "webhooks", "webhooks", doctor_collect_webhooks },
    { "inbox", "our inbox", doctor_collect_inbox },
    { "deliveries", "our deliveries", doctor_collect_deliveries },
    { "traces", "traces", doctor_collect_traces },
    { "key-list", "a list of keys", doctor_collect_key_list },
    { "schedule", "a schedule", doctor_collect_schedule },
    { "kafka", "a topic", doctor_collect_kafka },
    { "postgres-slot", "a replication slot", doctor_collect_postgres_slot },
    { "redis", "a Redis", doctor_collect_redis },
    { "memcached", "a Memcached", doctor_collect_memcached },
    { "mariadb", "a MariaDB", doctor_collect_mariadb },
    { "mariadb-binlog", "the binlog of a MariaDB", doctor_collect_mariadb_binlog },
};

/* What says how a source is collected, and of which sources. */
struct option_use {
    const char *option;
    const char *sources[2];
};

static const struct option_use uses[] = {
    { "payment", { "ours", "inbox" } },
    { "account", { "ours", "inbox" } },
    { "user", { "ours", "inbox" } },
    { "tables-mapping", { "tables", NULL } },
    { "mapping", { "statement", NULL } },
    { "direction", { "webhooks", NULL } },
    { "webhook-map", { "webhooks", NULL } },
    { "webhook-secrets", { "webhooks", "inbox" } },
    { "kafka-settings", { "kafka", NULL } },
    { "topic", { "kafka", NULL } },
    { "group", { "kafka", NULL } },
    { "offsets", { "kafka", NULL } },
    { "dead-letters", { "kafka", NULL } },
    { "value-map", { "kafka", NULL } },
    { "postgres-publication", { "postgres-slot", NULL } },
    { "wal-books", { "postgres-slot", "mariadb-binlog" } },
    { "wal-mapping", { "postgres-slot", "mariadb-binlog" } },
    { "redis-user", { "redis", NULL } },
    { "redis-password", { "redis", NULL } },
    { "keys", { "redis", "memcached" } },
    { "keys-file", { "memcached", NULL } },
    { "cache-map", { "redis", "memcached" } },
};

static enum status uses_check(struct collection *all)
{
    const struct invocation *invocation = all->invocation;
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++) {
        const char *first = uses[i].sources[0], *second = uses[i].sources[1];
        if (!invocation_has(invocation, uses[i].option) || invocation_has(invocation, first))
            continue;
        if (second != NULL && invocation_has(invocation, second)) continue;
        (void)error_set(&all->bundle.error, STATUS_INVALID, "--%s is for --%s%s%s", uses[i].option,
                        first, second == NULL ? "" : " or --", second == NULL ? "" : second);
        error_hint(&all->bundle.error, "give that too, or leave it out: nothing was collected");
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

/* A command that would do nothing, and options that would be overlooked, are refused. */
static enum status options_check(struct collection *all)
{
    bool wanted = invocation_has(all->invocation, "incident");
    for (size_t i = 0; i < sizeof collectors / sizeof collectors[0]; i++)
        wanted = wanted || invocation_has(all->invocation, collectors[i].option);
    if (!wanted) {
        (void)error_set(&all->bundle.error, STATUS_INVALID,
                        "there is nothing to collect: no source is named");
        error_hint(&all->bundle.error, "--ours, --log FILE, ...: `tpwallet help doctor collect`; "
                                       "--incident ID alone opens a ticket");
        return STATUS_INVALID;
    }
    return uses_check(all);
}

static enum status each_collect(struct collection *all)
{
    const struct invocation *invocation = all->invocation;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof collectors / sizeof collectors[0]; i++) {
        const struct doctor_collector *collector = &collectors[i];
        if (!invocation_has(invocation, collector->option)) continue;
        const char *name = invocation_text(invocation, collector->option);
        status = collector->collect(&all->bundle, invocation);
        if (status == STATUS_OK)
            status = took(all, collector->what, *name == '\0' ? invocation->data : name);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

/* Where one fails, those before it are under custody, and the manifest tells of them. */
static enum status sources_collect(struct collection *all)
{
    struct doctor_bundle *bundle = &all->bundle;
    uint32_t before = bundle->source_count;
    enum status status = each_collect(all);
    if (status == STATUS_OK) return doctor_bundle_seal(bundle);
    if (bundle->source_count == before) return status;
    struct error first = bundle->error;
    enum status sealed = doctor_bundle_seal(bundle);
    bundle->error = first;
    if (sealed == STATUS_OK && first.hint[0] == '\0')
        error_hint(&bundle->error, "%u sources before it are in the bundle: leave them out now",
                   bundle->source_count - before);
    return status;
}

static void bundle_report(const struct collection *all, struct buf *out)
{
    const struct doctor_bundle *bundle = &all->bundle;
    if (!all->invocation->json) {
        buf_append_format(out, "incident %.*s: %u sources in %s\n", STR_ARG(bundle->incident.id),
                          bundle->source_count, bundle->path);
        buf_append_str(out, buf_view(&bundle->unread));
        return;
    }
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("bundle"));
    json_write_string(&writer, str_from(bundle->path));
    json_write_key(&writer, STR("incident"));
    json_write_string(&writer, bundle->incident.id);
    json_write_key(&writer, STR("sources"));
    json_write_array_begin(&writer);
    struct str rest = buf_view(&bundle->sources);
    struct str line;
    while (str_take_line(&rest, &line)) json_write_json(&writer, line);
    json_write_array_end(&writer);
    json_write_key(&writer, STR("unread"));
    json_write_array_begin(&writer);
    rest = buf_view(&bundle->unread);
    while (str_take_line(&rest, &line)) json_write_string(&writer, line);
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    enum status status = json_write_end(&writer);
    CHECK(status == STATUS_OK); /* the buf is larger than all sources */
    buf_append_byte(out, '\n');
}

/* On standard error, as `doctor diagnose` tells its own. */
static void times_show(const struct collection *all)
{
    if (!invocation_has(all->invocation, "times")) return;
    struct rusage used;
    int failed = getrusage(RUSAGE_SELF, &used);
    CHECK(failed == 0);
    int64_t elapsed_ns = clock_monotonic(system_clock()).ns - all->begun.ns;
    struct timeval user = used.ru_utime, kernel = used.ru_stime;
    const struct {
        struct str name;
        int64_t number;
    } numbers[] = {
        { STR("records"), (int64_t)all->bundle.rows_written },
        { STR("bytes"), (int64_t)all->bundle.bytes_written },
        { STR("collect_ms"), elapsed_ns / NS_PER_MS },
        { STR("processor_ms"),
          (user.tv_sec + kernel.tv_sec) * 1000 + (user.tv_usec + kernel.tv_usec) / 1000 },
        { STR("resident_bytes"), used.ru_maxrss * 1024 },
    };
    BUF_SCOPE struct buf out;
    buf_init(&out, 1024);
    struct json_writer writer;
    json_writer_init(&writer, &out);
    json_write_object_begin(&writer);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        json_write_key(&writer, numbers[i].name);
        json_write_int64(&writer, numbers[i].number);
    }
    json_write_object_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK);              /* far smaller than the buf */
    (void)fprintf(stderr, "%.*s\n", STR_ARG(buf_view(&out))); /* a notice */
}

/* What is said of a new bundle is not said of one that is there. */
static enum status incident_check(struct collection *all)
{
    const char *id = invocation_text(all->invocation, "incident");
    if (id == NULL || str_equal(str_from(id), all->bundle.incident.id)) return STATUS_OK;
    enum status status = error_set(&all->bundle.error, STATUS_CONFLICT, "%s is the incident %.*s",
                                   all->bundle.path, STR_ARG(all->bundle.incident.id));
    error_hint(&all->bundle.error, "leave out --incident, or name a new folder");
    return status;
}

static int collect_run(struct invocation *invocation)
{
    struct collection all = {
        .invocation = invocation,
        .begun = clock_monotonic(system_clock()),
    };
    enum status status = options_check(&all);
    if (status == STATUS_OK) status = incident_read(&all);
    if (status != STATUS_OK) return report_error(invocation, &all.bundle.error);
    status = doctor_bundle_open(invocation->positionals[0], invocation_text(invocation, "key"),
                                &all.incident, &all.bundle);
    if (status == STATUS_OK) status = incident_check(&all);
    if (status == STATUS_OK) status = sources_collect(&all);
    int code;
    if (status == STATUS_OK) {
        BUF_SCOPE struct buf out;
        buf_init(&out, 16 << 20);
        bundle_report(&all, &out);
        code = report_text(invocation, buf_view(&out));
        times_show(&all);
    } else {
        code = report_error(invocation, &all.bundle.error);
        if (all.bundle.source_count == 0) doctor_bundle_discard(&all.bundle);
    }
    doctor_bundle_close(&all.bundle);
    return code;
}

static const struct positional collect_positionals[] = {
    { "BUNDLE", "a new folder, or the bundle to add to", false },
    { 0 },
};

static const struct option collect_options[] = {
    { "key", "FILE", "the key that signs the custody: see `doctor key`", NULL },
    { "incident", "ID", "of a new bundle: the incident's id", NULL },
    { "title", "TEXT", "of a new bundle: what it is about", NULL },
    { "owner", "WHO", "of a new bundle: who sees to it", NULL },
    { "from", "TIME",
      "of a new bundle: when what is looked into began; bounds what is taken; of a log, "
      "statement, captures or list: since when it is whole, its first line without it",
      NULL },
    { "to", "TIME",
      "of a new bundle: when it ended; now without it; of a log, statement, captures or list: "
      "up to when it is whole, its last line without it",
      NULL },
    { "ours", NULL, "our ledger, all lanes: transfers, balances, calls to PSPs, acts", NULL },
    { "payment", "ID,...", "of ours and the inbox: what these payments, transfers or holds touch",
      NULL },
    { "account", "ID,...", "of both: what these accounts touch within the window", NULL },
    { "user", "ID,...", "of both: the same of all accounts with this user_ref", NULL },
    { "again", "BUNDLE", "all of an earlier bundle but our ledger, as it is there", NULL },
    { "tables", "SOURCE", "another ledger: postgres://..., a SQLite file, a plain pg_dump", NULL },
    { "tables-mapping", "NAME|FILE", "how its tables are read: see `doctor mappings`", NULL },
    { "statement", "FILE", "a PSP's statement, as CSV", NULL },
    { "mapping", "FILE", "which of its columns is what; key is the PSP's reference", NULL },
    { "log", "FILE", "a log: NDJSON, logfmt, or an access log", NULL },
    { "system", "NAME", "whose statement or log it is", "unknown" },
    { "certificates", "FILE", "certificates, as PEM", NULL },
    { "endpoint", "HOST:PORT", "a TLS endpoint: what it presents, and how a handshake ends", NULL },
    { "postgres", "URL", "a PostgreSQL: settings, waits, standbys, slots, as they are now", NULL },
    { "webhooks", "FILE", "captured webhooks, as JSON on lines: headers, raw body, status", NULL },
    { "direction", "in|out", "of captured webhooks that do not say it", "in" },
    { "inbox", NULL, "webhooks in our inbox, as they came and were verified", NULL },
    { "deliveries", NULL, "webhooks that we send: to whom, how far, and what was given up", NULL },
    { "webhook-secrets", "SCHEME:FILE",
      "what their signatures are checked with: standard, stripe or plain/HEADER[/PREFIX]", NULL },
    { "webhook-map", "FILE", "which header or member of a webhook's body is which field", NULL },
    { "traces", "FILE", "exported traces: OTLP in JSON, or Jaeger's", NULL },
    { "key-list", "FILE", "what happened to keys: CSV with a header, or JSON", NULL },
    { "schedule", "FILE", "runs of jobs, leases, releases, settings: CSV with a header, or JSON",
      NULL },
    { "kafka", "BROKERS", "Kafka, HOST:PORT,...: records of --topic, and the groups that read it",
      NULL },
    { "kafka-settings", "FILE", "of the client, NAME=VALUE a line; its owner's alone", NULL },
    { "topic", "NAME", "of Kafka: whose records within the incident's window are taken", NULL },
    { "group", "NAME", "of Kafka: this group only; all that read the topic without it", NULL },
    { "offsets", "FROM-TO", "of Kafka: these offsets only, in each partition", NULL },
    { "dead-letters", "TOPIC", "of Kafka: the topic that messages are put aside in", NULL },
    { "value-map", "FILE", "of Kafka: which header or member of the value is which field", NULL },
    { "postgres-slot", "NAME", "its log, out of a slot of pgoutput, which stays where it is",
      NULL },
    { "postgres-publication", "NAME", "what of its log: tables, as CREATE PUBLICATION has them",
      NULL },
    { "mariadb", "FILE", "a MariaDB, as it is now; its clients' option file says where it is",
      NULL },
    { "mariadb-binlog", NULL, "its log: all of the row-based binlog that it still has", NULL },
    { "wal-books", NULL, "also the postings and balances that the log shows, without other ones",
      NULL },
    { "wal-mapping", "FILE", "which tables and columns of a database's log are what", NULL },
    { "redis", "URL", "redis://HOST:PORT/DATABASE: what keys hold now", NULL },
    { "redis-user", "NAME", "of Redis; the default one without it", NULL },
    { "redis-password", "FILE", "of Redis; also in TPWALLET_REDIS_PASSWORD", NULL },
    { "memcached", "HOST:PORT", "a Memcached: what keys hold now", NULL },
    { "keys", "PATTERN",
      "of a cache: '*' is anything; without it our own in Redis, all of a Memcached", NULL },
    { "keys-file", "FILE", "of Memcached: these keys, a line each, when it does not list them",
      NULL },
    { "cache-map", "FILE", "of a cache: which part of key and value is which field", NULL },
    { "times", NULL, "on standard error: records, bytes, time, processor and memory it took",
      NULL },
    { 0 },
};

const struct command command_doctor_collect = {
    .name = "doctor collect",
    .summary = "open an incident, or add to it: its evidence, in one folder under custody",
    .details =
        "Every source becomes records of docs/bundle.md with its SHA-256, collector and coverage; "
        "card numbers and secrets are masked on the way and counted. Each change is an entry of "
        "custody.log, signed and chained. Give the command again for further sources.",
    .positionals = collect_positionals,
    .options = collect_options,
    .examples = "doctor collect case --key anna.key --incident 7F3A --title 'paid twice' --ours\n"
                "doctor collect case --key anna.key --incident 7F3A --ours --payment "
                "019ab000-0000-7000-8000-0000000000a4\n"
                "doctor collect case --key anna.key --log app.log --system wallet-api",
    .run = collect_run,
};

/* ---- the ticket ---- */

/* What the bundle has to show for a state; another's ledger is repaired by its owners, on their word. */
static enum status state_is_shown(struct doctor_bundle *bundle, enum incident_state next)
{
    bool repaired = doctor_bundle_has(bundle, REPAIR_APPLIED_FILE);
    bool verified = doctor_bundle_has(bundle, REPAIR_AFTER_FILE);
    bool foreign = doctor_bundle_has(bundle, FOREIGN_PLAN_FILE);
    if (next == INCIDENT_REPAIRED && !repaired && !foreign) {
        enum status status =
            error_set(&bundle->error, STATUS_DENIED, "nothing was repaired: the bundle has no %s",
                      REPAIR_APPLIED_FILE);
        error_hint(&bundle->error,
                   "`tpwallet doctor apply --execute` sets it; what needs no repair "
                   "is closed");
        return status;
    }
    if (next == INCIDENT_VERIFIED && !verified && !foreign) {
        enum status status =
            error_set(&bundle->error, STATUS_DENIED, "no repair was verified: the bundle has no %s",
                      REPAIR_AFTER_FILE);
        error_hint(&bundle->error, "`tpwallet doctor verify-repair --key FILE` sets it");
        return status;
    }
    return STATUS_OK;
}

/* Which there are: forward by any number of steps, or open again. */
static enum status state_refuse(struct doctor_bundle *bundle, const char *state)
{
    char names[ERROR_TEXT_SIZE] = "";
    size_t len = 0;
    enum incident_state now = bundle->incident.state;
    for (int next = 0; next < INCIDENT_STATE_COUNT; next++) {
        if (!incident_may(now, (enum incident_state)next)) continue;
        int more = snprintf(names + len, sizeof names - len, "%s%s", len == 0 ? "" : ", ",
                            incident_state_name((enum incident_state)next));
        CHECK(more > 0 && (size_t)more < sizeof names - len);
        len += (size_t)more;
    }
    (void)error_set(&bundle->error, STATUS_INVALID, "an incident that is %s cannot be %s",
                    incident_state_name(now), state);
    if (len == 0)
        error_hint(&bundle->error, "closed is the last state: open an incident of its own");
    else
        error_hint(&bundle->error, "it can be %s", names);
    return STATUS_INVALID;
}

static enum status ticket_change(struct doctor_bundle *bundle, const struct invocation *invocation)
{
    const char *state = invocation_text(invocation, "state");
    const char *note = invocation_text(invocation, "note");
    const char *owner = invocation_text(invocation, "owner");
    enum status status = STATUS_OK;
    if (owner != NULL && strlen(owner) > INCIDENT_WORD_MAX)
        return error_set(&bundle->error, STATUS_INVALID, "an owner has at most 64 bytes");
    if ((owner != NULL && !mask_is_clean(str_from(owner))) ||
        (note != NULL && !mask_is_clean(str_from(note))))
        return secret_refuse(&bundle->error, "--owner or --note");
    if (owner != NULL) bundle->incident.owner = str_from(owner);
    if (state != NULL) {
        enum incident_state next;
        if (!incident_state_parse(str_from(state), &next) ||
            !incident_may(bundle->incident.state, next))
            return state_refuse(bundle, state);
        status = state_is_shown(bundle, next);
        if (status != STATUS_OK) return status;
        bundle->incident.state = next;
        char text[64];
        int len = snprintf(text, sizeof text, "state: %s", state);
        CHECK(len > 0);
        status = doctor_bundle_note(bundle, text);
    }
    if (status == STATUS_OK && note != NULL) status = doctor_bundle_note(bundle, note);
    bool changes = owner != NULL || state != NULL || note != NULL;
    return status == STATUS_OK && changes ? doctor_bundle_seal(bundle) : status;
}

static int incident_run(struct invocation *invocation)
{
    struct doctor_bundle bundle;
    enum status status = doctor_bundle_open(invocation->positionals[0],
                                            invocation_text(invocation, "key"), NULL, &bundle);
    if (status == STATUS_OK) status = ticket_change(&bundle, invocation);
    int code;
    if (status == STATUS_OK) {
        BUF_SCOPE struct buf out;
        buf_init(&out, 2 * INCIDENT_SIZE_MAX);
        if (invocation->json)
            incident_json(&bundle.incident, &out);
        else
            incident_markdown(&bundle.incident, &out);
        code = report_text(invocation, buf_view(&out));
    } else {
        code = report_error(invocation, &bundle.error);
    }
    doctor_bundle_close(&bundle);
    return code;
}

static const struct positional incident_positionals[] = {
    { "BUNDLE", "the incident's folder", false },
    { 0 },
};

static const struct option incident_options[] = {
    { "key", "FILE", "the key that signs the custody, for changes", NULL },
    { "state", "STATE", "open, contained, diagnosed, repaired, verified or closed", NULL },
    { "owner", "WHO", "who sees to it from now on", NULL },
    { "note", "TEXT", "what was done or found", NULL },
    { 0 },
};

const struct command command_doctor_incident = {
    .name = "doctor incident",
    .summary = "show or change an incident's ticket: state, owner, timeline",
    .details = "As Markdown, for a tracker; with --json as JSON. Both are files of the bundle too.",
    .positionals = incident_positionals,
    .options = incident_options,
    .examples = "doctor incident case\ndoctor incident case --key anna.key --state contained",
    .run = incident_run,
};
