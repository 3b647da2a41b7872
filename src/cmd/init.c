/* tpwallet init: a new, empty ledger. */
#include "adapter/data_folder.h"
#include "adapter/ledger_id.h"
#include "adapter/postgres_store.h"
#include "adapter/system_entropy.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/chart_accounts.h"
#include "cmd/host_log.h"
#include "cmd/init_from.h"
#include "cmd/report.h"
#include "model/lane_map.h"

enum { PATH_SIZE = 4096 };

static enum status lane_chart_make(void *context, struct session *session,
                                   const struct chart_names *names, struct error *out_error)
{
    (void)context; /* nothing is shown */
    return chart_accounts_make(session, names, out_error);
}

/* The folder is new and nobody else's: it is opened here. */
static enum status chart_make(const struct invocation *invocation, struct error *out_error)
{
    struct chart_names names = {
        .assets = invocation_text(invocation, "asset"),
        .psps = invocation_text(invocation, "psp"),
    };
    if (names.assets == NULL) return STATUS_OK;
    const struct session_options options = { .folder = invocation->data };
    enum status status = chart_accounts_each(&options, &names, lane_chart_make, NULL, out_error);
    if (status != STATUS_OK)
        error_hint(out_error, "the ledger is there, without its chart: `tpwallet chart create`");
    return status;
}

/* In the database first: a folder that names a ledger that is not there helps nobody. */
static enum status ledger_make(const struct invocation *invocation,
                               struct postgres_store_made *out_made, struct error *out_error)
{
    const char *url = invocation_text(invocation, "store");
    uint64_t lanes = 1;
    *out_made = (struct postgres_store_made){ .is_new = true, .ledger = ledger_id_draw() };
    enum status status = invocation_number(
        invocation, "lanes", (struct number_range){ 1, LANES_MAX }, &lanes, out_error);
    const struct postgres_store_options store = { .url = url, .lanes = (uint32_t)lanes };
    if (url != NULL && status == STATUS_OK)
        status = postgres_store_create(&store, out_made, out_error);
    const struct data_folder_ledger ledger = { .store_url = url, .id = out_made->ledger };
    if (status == STATUS_OK)
        status = data_folder_create_lanes(invocation->data, &ledger, (uint32_t)lanes, out_error);
    return status;
}

/* The keys of all lanes' verifiable logs, in the first folder: further ones get copies of it. */
static enum status log_keys_each(const struct invocation *invocation, struct error *out_error)
{
    const char *origin = invocation_text(invocation, "log-origin");
    uint32_t lanes = 0;
    enum status status = data_folder_count_lanes(invocation->data, &lanes, out_error);
    for (uint32_t lane = 0; status == STATUS_OK && lane < lanes; lane++) {
        char path[PATH_SIZE];
        status = data_folder_lane_path(invocation->data, lane, path, sizeof path, out_error);
        if (status == STATUS_OK)
            status =
                host_log_keys_make(path, lane == 0 ? origin : NULL, system_entropy(), out_error);
    }
    return status;
}

/* A folder with its own journal gets one from its first server, too. */
static bool wants_log_key(const struct invocation *invocation, bool is_new)
{
    bool asked = invocation_has(invocation, "store") || invocation_has(invocation, "log-origin");
    return is_new && asked && !invocation_has(invocation, "no-log");
}

static enum status folder_fill(const struct invocation *invocation, bool is_new,
                               struct error *out_error)
{
    enum status status = STATUS_OK;
    if (wants_log_key(invocation, is_new)) status = log_keys_each(invocation, out_error);
    return status == STATUS_OK ? chart_make(invocation, out_error) : status;
}

static enum status log_options_check(const struct invocation *invocation, struct error *out_error)
{
    const char *origin = invocation_text(invocation, "log-origin");
    if (origin != NULL && invocation_has(invocation, "no-log")) {
        (void)error_set(out_error, STATUS_INVALID, "--log-origin does not go with --no-log");
        error_hint(out_error, "leave one of them out");
        return STATUS_INVALID;
    }
    if (origin == NULL || note_name_is_valid(str_from(origin))) return STATUS_OK;
    (void)error_set(out_error, STATUS_INVALID, "--log-origin: this cannot be the origin of a log");
    error_hint(out_error, "like a URL without a scheme: ledger.example.com/0");
    return STATUS_INVALID;
}

/* What does not go together. */
static enum status options_check(const struct invocation *invocation, struct error *out_error)
{
    if (invocation_has(invocation, "psp") && !invocation_has(invocation, "asset")) {
        (void)error_set(out_error, STATUS_INVALID, "--psp wants --asset");
        error_detail(out_error, "the accounts of a PSP are in the chart of an asset");
        error_hint(out_error, "name the asset too: --asset EUR; or leave out --psp");
        return STATUS_INVALID;
    }
    enum status status = log_options_check(invocation, out_error);
    if (status != STATUS_OK || !invocation_has(invocation, "from")) return status;
    if (!invocation_has(invocation, "store")) {
        (void)error_set(out_error, STATUS_INVALID, "--from wants --store");
        error_detail(out_error, "a ledger moves out of its folder into a database");
        error_hint(out_error, "tpwallet init --data NEW --store postgres://user@host/database "
                              "--from OLD");
        return STATUS_INVALID;
    }
    static const char *const made_already[] = { "asset", "lanes", "log-origin", "no-log" };
    bool any = false;
    for (size_t i = 0; i < sizeof made_already / sizeof made_already[0]; i++)
        any = any || invocation_has(invocation, made_already[i]);
    if (!any) return STATUS_OK;
    (void)error_set(out_error, STATUS_INVALID,
                    "--from does not go with --asset, --lanes, --log-origin or --no-log");
    error_detail(out_error, "a ledger that moves has its chart of accounts, its lanes and its "
                            "log's key already");
    error_hint(out_error, "leave them out");
    return STATUS_INVALID;
}

/* What was made; from->folder is NULL when nothing was moved. */
static void made_json(const struct invocation *invocation, const struct init_from *from,
                      const struct postgres_store_made *made, struct buf *out)
{
    char ledger[UUID_TEXT_LEN + 1];
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("folder"));
    json_write_string(&writer, str_from(invocation->data));
    json_write_key(&writer, STR("format"));
    json_write_uint64(&writer, DATA_FOLDER_FORMAT);
    json_write_key(&writer, STR("new_ledger"));
    json_write_bool(&writer, made->is_new);
    if (!uuid_is_nil(made->ledger)) {
        uuid_format(made->ledger, ledger);
        json_write_key(&writer, STR("ledger"));
        json_write_string(&writer, str_from(ledger));
    }
    json_write_key(&writer, STR("log_key"));
    json_write_bool(&writer, from->folder == NULL && wants_log_key(invocation, made->is_new));
    if (from->folder != NULL) {
        json_write_key(&writer, STR("moved_from"));
        json_write_string(&writer, str_from(from->folder));
        json_write_key(&writer, STR("batches"));
        json_write_uint64(&writer, from->result.batches);
        json_write_key(&writer, STR("head"));
        json_write_uint64(&writer, from->result.head);
    }
    json_write_object_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK);
    buf_append_byte(out, '\n');
}

/* What is to be done about the verifiable log's key. */
static void log_text(const struct invocation *invocation, bool is_new, struct buf *out)
{
    if (wants_log_key(invocation, is_new)) {
        buf_append_format(out, "made log.key of its verifiable log: keep a copy elsewhere, and put "
                               "one into each further folder\n");
    } else if (!is_new) {
        buf_append_format(out, "no log.key was made: copy that of the ledger's first folder (and "
                               "lanes/N/log.key), or this one keeps no verifiable log in a "
                               "cluster\n");
    }
}

static void made_text(const struct invocation *invocation, const struct init_from *from,
                      bool is_new, struct buf *out)
{
    const char *folder = invocation->data;
    if (from->folder != NULL) {
        buf_append_format(out,
                          "moved %llu batches of %s, each verified; %s can only be read now\n\n"
                          "next:\n  tpwallet --data %s check\n  tpwallet --data %s serve --plain\n",
                          (unsigned long long)from->result.batches, from->folder, from->folder,
                          folder, folder);
        return;
    }
    buf_append_format(out, "made %s %s\n",
                      is_new ? "an empty ledger in" : "a folder for the ledger that is there,",
                      folder);
    log_text(invocation, is_new, out);
    if (!is_new) {
        buf_append_format(out,
                          "\nnext:\n"
                          "  tpwallet --data %s lane list\n"
                          "  tpwallet --data %s serve --cluster --replica-name NAME ..., as "
                          "docs/scale.md has it\n",
                          folder, folder);
        return;
    }
    buf_append_format(out,
                      "\nnext:\n"
                      "  tpwallet --data %s key create shop\n"
                      "  tpwallet --data %s serve --plain\n"
                      "  tpwallet --data %s account create shop:alice\n",
                      folder, folder, folder);
}

static int init_run(struct invocation *invocation)
{
    struct error error = { 0 };
    struct postgres_store_made made = { .is_new = true };
    struct init_from from = {
        .invocation = invocation,
        .folder = invocation_text(invocation, "from"),
        .url = invocation_text(invocation, "store"),
    };
    enum status status = options_check(invocation, &error);
    if (status == STATUS_OK && from.folder != NULL) {
        status = init_from_run(&from, &error);
        made = (struct postgres_store_made){ .is_new = false, .ledger = from.ledger };
    } else if (status == STATUS_OK) {
        status = ledger_make(invocation, &made, &error);
        if (status == STATUS_CONFLICT)
            error_hint(&error, "a ledger that is there stays; name another folder with --data DIR");
        if (status == STATUS_OK) status = folder_fill(invocation, made.is_new, &error);
    }
    if (status != STATUS_OK) return report_error(invocation, &error);
    BUF_SCOPE struct buf out;
    buf_init(&out, 64 << 10);
    if (invocation->json)
        made_json(invocation, &from, &made, &out);
    else
        made_text(invocation, &from, made.is_new, &out);
    return report_text(invocation, buf_view(&out));
}

static const struct option options[] = {
    { "lanes", "COUNT", "of the ledger, 1 to 64: it cannot be changed later", NULL },
    { "asset", "CODES", "make the chart of accounts of these too, with commas between", NULL },
    { "store", "URL", "the journal is in this PostgreSQL database, and not in the folder", NULL },
    { "from", "FOLDER", "move the ledger of this folder into the database of --store", NULL },
    { "log-origin", "NAME", "of the verifiable log, for good: its key is made now", NULL },
    { "no-log", NULL, "with --store: no key of a verifiable log is made", NULL },
    { "psp", "NAMES", "in the chart: a clearing account for each of these PSPs", NULL },
    { 0 },
};

const struct command command_init = {
    .name = "init",
    .summary = "make a data folder with an empty ledger in it, or move one into a database",
    .details =
        "The folder must be absent or empty. It is for its owner alone (mode 0700). "
        "Without --data it is $TPWALLET_DATA, or ./tpwallet-data. With --asset it has the "
        "accounts that payments need, in each lane: see `tpwallet help chart create`.\n"
        "\n"
        "With --store postgres://user@host/database the journal is there (PostgreSQL 15 or\n"
        "later, UTF-8), in a schema tpwallet that is made; the folder keeps the URL, and\n"
        "what can be made again. The URL has no password in it: use PGPASSFILE. A ledger\n"
        "that is there already stays, and the folder is one more for it. With a new ledger\n"
        "the key of its verifiable log is made in the folder, which further ones get a copy of\n"
        "(docs/scale.md).\n"
        "\n"
        "With --from the ledger of another folder, which no server has open, moves there:\n"
        "each batch is verified, receivers of webhooks and the verifiable log's key come\n"
        "along, and the old folder can only be read from then on. A move that was interrupted\n"
        "goes on with the same command.",
    .options = options,
    .examples = "init\ninit --data /var/lib/tpwallet\ninit --asset EUR,USD --psp sandbox\n"
                "init --store postgres://wallet@db.internal/wallet\n"
                "init --data new --store postgres://wallet@db.internal/wallet --from old",
    .run = init_run,
};
