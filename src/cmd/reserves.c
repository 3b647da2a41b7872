/* tpwallet reserves snapshot: what customers are owed at a signed position, as a sum tree. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapter/data_folder.h"
#include "adapter/file_log_store.h"
#include "adapter/folder_store.h"
#include "adapter/log_keys.h"
#include "adapter/system_entropy.h"
#include "base/base64.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/call.h"
#include "cmd/core_dumps.h"
#include "cmd/report.h"
#include "cmd/reserves_files.h"
#include "model/position.h"
#include "payment/chart.h"

enum { PROVE_ATTEMPTS = 5 };

struct snapshot {
    const struct invocation *invocation;
    const char *out; /* the folder */
    bool made;
    uint32_t shares;
    struct position at; /* as asked for */
    struct data_folder *folder;
    struct store *journal;
    struct log_store *files;
    struct log_keys keys;
    struct buf checkpoint;
    struct tree_head log;
    struct reserves_reading reading;
    struct reserves_book book;
    struct reserves_statement statement;
    struct leaf leaf;
    struct proof proof;
    struct reserves_coverage coverage;
};

/* ---- What is asked for ---- */

static enum status options_parse(struct snapshot *snapshot, struct error *out_error)
{
    const struct invocation *invocation = snapshot->invocation;
    const char *at = invocation_text(invocation, "at");
    uint64_t shares = 0;
    enum status status = invocation_number(
        invocation, "shares", (struct number_range){ 1, SUM_SHARES_MAX }, &shares, out_error);
    if (status != STATUS_OK) return status;
    snapshot->shares = (uint32_t)shares;
    snapshot->out = invocation_text(invocation, "out");
    if (snapshot->out == NULL) {
        return error_set(out_error, STATUS_INVALID, "--out is missing: a folder to be made");
    }
    if (strcmp(at, "now") == 0) return STATUS_OK;
    if (position_parse(str_from(at), &snapshot->at) && snapshot->at.batch > 0) return STATUS_OK;
    status = error_set(out_error, STATUS_INVALID, "'%s' is no position of the journal", at);
    error_hint(out_error, "like 1207-3, 1207 for the end of that batch, or now");
    return status;
}

/* ---- The folder and its log ---- */

static enum status checkpoint_read(struct snapshot *snapshot, struct error *out_error)
{
    struct note note;
    struct checkpoint checkpoint;
    const struct note_key *key = &snapshot->keys.signer.key;
    struct log_store *files = snapshot->files;
    enum status status = files->read(files, STR("checkpoint"), &snapshot->checkpoint, out_error);
    if (status == STATUS_OK) {
        bool good =
            note_parse(buf_view(&snapshot->checkpoint), &note, out_error) == STATUS_OK &&
            checkpoint_open(&note, key, note_key_name(key), &checkpoint, out_error) == STATUS_OK;
        if (!good) {
            return error_set(out_error, STATUS_CORRUPT, "the log's checkpoint is damaged");
        }
        snapshot->log = checkpoint.head;
    }
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && checkpoint.head.size == 0)) {
        status = error_set(out_error, STATUS_NOT_FOUND, "nothing was signed yet");
        error_hint(out_error, "`tpwallet serve` signs what the journal holds");
    }
    return status;
}

static enum status log_open(struct snapshot *snapshot, struct error *out_error)
{
    const char *folder = snapshot->invocation->data;
    enum status status = log_keys_read(folder, &snapshot->keys, out_error);
    if (status == STATUS_NOT_FOUND) {
        error_hint(out_error, "a snapshot is bound to the signed log: `tpwallet serve` makes it");
    }
    if (status == STATUS_OK) {
        status = file_log_store_open(folder, true, &snapshot->files, out_error);
    }
    return status == STATUS_OK ? checkpoint_read(snapshot, out_error) : status;
}

static enum status all_open(struct snapshot *snapshot, struct error *out_error)
{
    const char *path = snapshot->invocation->data;
    enum status status = data_folder_open(path, DATA_FOLDER_GUEST, &snapshot->folder, out_error);
    if (status == STATUS_OK) status = log_open(snapshot, out_error);
    if (status != STATUS_OK) return status;
    const struct folder_store_options options = { .read_only = true };
    return folder_store_open(snapshot->folder, &options, &snapshot->journal, out_error);
}

static void all_close(struct snapshot *snapshot)
{
    if (snapshot->journal != NULL) snapshot->journal->close(snapshot->journal);
    if (snapshot->files != NULL) snapshot->files->close(snapshot->files);
    data_folder_close(snapshot->folder);
    log_keys_done(&snapshot->keys);
    buf_free(&snapshot->checkpoint);
    reserves_reading_close(&snapshot->reading);
    reserves_book_close(&snapshot->book);
}

/* ---- Balances ---- */

static void progress_show(void *argument, uint64_t leaves, uint64_t leaves_all)
{
    const struct snapshot *snapshot = argument;
    if (snapshot->invocation->json || isatty(STDERR_FILENO) == 0) return;
    (void)fprintf(stderr, "\rleaf %" PRIu64 " of %" PRIu64 "%s", leaves, leaves_all,
                  leaves == leaves_all ? "\nmaking the sum tree\n" : "");
}

static enum status balances_read(struct snapshot *snapshot, struct error *out_error)
{
    struct reserves_reading_options options = {
        .journal = snapshot->journal,
        .leaf_key = &snapshot->keys.leaf,
        .log = &snapshot->log,
        .lane = data_folder_lane(snapshot->folder),
        .asset = str_from(invocation_text(snapshot->invocation, "asset")),
        .at = snapshot->at,
        .progress = progress_show,
        .argument = snapshot,
    };
    entropy_fill(system_entropy(), &options.seed, sizeof options.seed);
    return reserves_reading_open(&options, &snapshot->reading, out_error);
}

/* ---- Accounts of ours ---- */

static enum status account_add(struct snapshot *snapshot, const struct reserve_account *account,
                               struct error *out_error)
{
    struct reserves_statement *statement = &snapshot->statement;
    const struct reserves_standing *standing =
        reserves_reading_find(&snapshot->reading, account->id);
    if (standing == NULL) return STATUS_NOT_FOUND;
    for (uint32_t i = 0; i < statement->account_count; i++) {
        if (uuid_equal(statement->accounts[i].id.value, account->id.value)) return STATUS_OK;
    }
    if (statement->account_count == RESERVE_ACCOUNTS_MAX) {
        return error_set(out_error, STATUS_LIMIT, "a statement names at most %d accounts",
                         RESERVE_ACCOUNTS_MAX);
    }
    struct reserve_account *added = &statement->accounts[statement->account_count++];
    *added = *account;
    added->debits = standing->balance.debits_posted;
    added->credits = standing->balance.credits_posted;
    return STATUS_OK;
}

/* Of the chart: one that was not made is not named. */
static enum status chart_add(struct snapshot *snapshot, enum reserve_role role,
                             enum chart_role of_chart, struct str psp, struct error *out_error)
{
    struct reserve_account account = { .role = role };
    if (psp.len > 0) memcpy(account.psp, psp.data, psp.len);
    account.id = chart_account_id(data_folder_part(snapshot->folder), snapshot->reading.asset.id,
                                  of_chart, account.psp);
    enum status status = account_add(snapshot, &account, out_error);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* The next word between commas; false at the end. */
static bool word_next(const char **at, struct str *out_word)
{
    if (*at == NULL || **at == '\0') return false;
    size_t len = strcspn(*at, ",");
    *out_word = (struct str){ *at, len };
    *at += len + ((*at)[len] == ',');
    return true;
}

static enum status bank_add(struct snapshot *snapshot, struct str word, struct error *out_error)
{
    BUF_SCOPE struct buf text;
    buf_init(&text, 1024);
    buf_append_str(&text, word);
    struct reserve_account account = { .role = RESERVE_BANK };
    enum status status =
        call_id_parse(buf_terminated(&text), "account", &account.id.value, out_error);
    if (status != STATUS_OK) return status;
    const struct reserves_standing *standing =
        reserves_reading_find(&snapshot->reading, account.id);
    if (standing == NULL || standing->kind != ACCOUNT_ASSET) {
        status = error_set(out_error, standing == NULL ? STATUS_NOT_FOUND : STATUS_INVALID,
                           "--bank '%.*s' is no account of kind asset in %s at this position",
                           STR_ARG(word), snapshot->reading.asset.code);
        return status;
    }
    return account_add(snapshot, &account, out_error);
}

static enum status accounts_add(struct snapshot *snapshot, struct error *out_error)
{
    const char *banks = invocation_text(snapshot->invocation, "bank");
    const char *psps = invocation_text(snapshot->invocation, "psp");
    const struct str none = STR("");
    struct str word;
    enum status status = chart_add(snapshot, RESERVE_BANK, CHART_BANK, none, out_error);
    while (status == STATUS_OK && word_next(&banks, &word)) {
        status = bank_add(snapshot, word, out_error);
    }
    while (status == STATUS_OK && word_next(&psps, &word)) {
        if (!psp_name_is_valid(word)) {
            return error_set(out_error, STATUS_INVALID,
                             "'%.*s' is no PSP's name: 1 to 15 of a-z, 0-9 and '-'", STR_ARG(word));
        }
        status = chart_add(snapshot, RESERVE_CLEARING, CHART_CLEARING, word, out_error);
    }
    if (status != STATUS_OK) return status;
    return chart_add(snapshot, RESERVE_SUSPENSE, CHART_SUSPENSE, none, out_error);
}

/* ---- The place in the log ---- */

/* Beside a server tiles grow, and narrow ones go: then it is looked at again. */
static enum status place_prove(struct snapshot *snapshot, struct error *out_error)
{
    const struct reserves_statement *statement = &snapshot->statement;
    const struct tree_head *log = &snapshot->log;
    struct proof *proof = &snapshot->proof;
    *proof = (struct proof){ .checkpoint = buf_view(&snapshot->checkpoint) };
    enum status status = STATUS_NOT_FOUND;
    for (int i = 0; i < PROVE_ATTEMPTS && status == STATUS_NOT_FOUND; i++) {
        struct log_head head = { 0 };
        struct log_files files;
        status = snapshot->files->head_read(snapshot->files, &head, out_error);
        if (status != STATUS_OK) break;
        log_files_init(&files, snapshot->files, head.size > log->size ? head.size : log->size);
        status = log_files_find(&files, statement->at.batch, statement->at.index, &proof->index,
                                &snapshot->leaf, out_error);
        if (status != STATUS_OK) continue;
        status = log_files_prove(&files, LOG_PROVE_LEAF, proof->index, log->size, &proof->inclusion,
                                 out_error);
    }
    if (status != STATUS_NOT_FOUND) return status;
    status = error_set(out_error, STATUS_UNAVAILABLE, "tiles of the log are missing");
    error_hint(out_error, "`tpwallet serve` makes them again; then give the same command again");
    return status;
}

/* ---- Making it ---- */

static enum status tree_make(struct snapshot *snapshot, struct error *out_error)
{
    struct reserves_book *book = &snapshot->book;
    uint8_t key[SUM_KEY_SIZE];
    const struct reserves_book_options options = {
        .shares = snapshot->shares,
        .suspense = chart_account_id(data_folder_part(snapshot->folder), snapshot->reading.asset.id,
                                     CHART_SUSPENSE, ""),
        .key = key,
    };
    enum status status =
        reserves_book_new(reserves_book_size(snapshot->reading.count), book, out_error);
    if (status != STATUS_OK) return status;
    entropy_fill(system_entropy(), key, sizeof key);
    status =
        reserves_book_fill(book, &snapshot->reading, &options, &snapshot->statement, out_error);
    secret_wipe(key, sizeof key);
    if (status == STATUS_OK) status = reserves_book_open(book, out_error);
    if (status == STATUS_OK) status = reserves_book_build(book, out_error);
    if (status != STATUS_OK) return status;
    snapshot->statement.lane = data_folder_lane(snapshot->folder);
    snapshot->statement.log = snapshot->log;
    snapshot->statement.tree = sum_tree_head(&book->tree);
    snapshot->statement.key = reserves_key_digest(&book->key);
    return STATUS_OK;
}

/* What is written is verified as anybody will. */
static enum status text_verify(struct snapshot *snapshot, const struct reserves_snapshot *public,
                               struct error *out_error)
{
    struct reserves_facts facts;
    enum status status =
        reserves_snapshot_verify(public, &snapshot->keys.signer.key, &facts, out_error);
    if (status == STATUS_OK) {
        snapshot->coverage = facts.coverage;
        return status;
    }
    struct error why = *out_error;
    status = error_set(out_error, STATUS_CORRUPT, "what was made does not verify");
    error_detail(out_error, "%s", why.message);
    error_hint(out_error, "run `tpwallet log verify`");
    return status;
}

static enum status text_make(struct snapshot *snapshot, struct buf *out_text,
                             struct error *out_error)
{
    BUF_SCOPE struct buf note;
    BUF_SCOPE struct buf proof;
    BUF_SCOPE struct buf leaf;
    buf_init(&note, RESERVES_NOTE_SIZE_MAX);
    buf_init(&proof, PROOF_SIZE_MAX);
    buf_init(&leaf, BASE64_TEXT_SIZE(sizeof(struct leaf)));
    struct str entry = leaf_bytes(&snapshot->leaf);
    reserves_statement_sign(&snapshot->statement, &snapshot->keys.signer, &note);
    proof_format(&snapshot->proof, &proof);
    base64_append(&leaf, entry.data, entry.len);
    CHECK(buf_status(&note) == STATUS_OK);
    CHECK(buf_status(&proof) == STATUS_OK);
    CHECK(buf_status(&leaf) == STATUS_OK);
    const struct reserves_snapshot public = { buf_view(&note), buf_view(&leaf), buf_view(&proof) };
    struct json_writer json;
    json_writer_init(&json, out_text);
    reserves_snapshot_write(&public, &json);
    CHECK(json_write_end(&json) == STATUS_OK);
    buf_append_byte(out_text, '\n');
    return text_verify(snapshot, &public, out_error);
}

static enum status snapshot_make(struct snapshot *snapshot, struct error *out_error)
{
    BUF_SCOPE struct buf text;
    buf_init(&text, RESERVES_SNAPSHOT_SIZE_MAX);
    enum status status = core_dumps_off(out_error);
    if (status == STATUS_OK) status = all_open(snapshot, out_error);
    if (status == STATUS_OK) status = reserves_folder_make(snapshot->out, out_error);
    if (status != STATUS_OK) return status;
    snapshot->made = true;
    status = balances_read(snapshot, out_error);
    if (status == STATUS_OK) status = tree_make(snapshot, out_error);
    if (status == STATUS_OK) status = accounts_add(snapshot, out_error);
    if (status == STATUS_OK) status = place_prove(snapshot, out_error);
    if (status == STATUS_OK) status = text_make(snapshot, &text, out_error);
    if (status != STATUS_OK) return status;
    return reserves_files_write(snapshot->out, &snapshot->book, buf_view(&text), out_error);
}

/* ---- Telling ---- */

static void amount_line(struct buf *out, const char *name, struct money amount,
                        const struct asset *asset)
{
    char text[MONEY_TEXT_SIZE];
    buf_append_format(out, "%-11s %.*s %s\n", name,
                      STR_ARG(money_format(amount, asset->exponent, text)), asset->code);
}

static void text_report(const struct snapshot *snapshot, struct buf *out)
{
    const struct reserves_statement *statement = &snapshot->statement;
    const struct asset *asset = &statement->asset;
    char position[POSITION_TEXT_SIZE];
    buf_append_format(out, "position    %.*s: leaf %" PRIu64 " of %" PRIu64 " signed\n",
                      STR_ARG(position_format(statement->at, position)), statement->index,
                      statement->log.size);
    buf_append_format(out, "customers   %" PRIu64 ", in %u shares each among %u leaves\n",
                      reserves_book_head(&snapshot->book)->count, snapshot->shares,
                      1U << statement->tree.height);
    amount_line(out, "total", statement->tree.root.sum, asset);
    if (statement->overdrawn_count > 0) {
        buf_append_format(out, "overdrawn   %" PRIu64 " customers owe us, and are in no total\n",
                          statement->overdrawn_count);
        amount_line(out, "they owe", statement->overdrawn, asset);
    }
    amount_line(out, "owed", snapshot->coverage.owed, asset);
    amount_line(out, "held", snapshot->coverage.held, asset);
    amount_line(out, "at PSPs", snapshot->coverage.clearing, asset);
    if (!money_is_zero(snapshot->coverage.short_of)) {
        amount_line(out, "short of", snapshot->coverage.short_of, asset);
    }
    buf_append_format(out, "public      %s/snapshot.json\n", snapshot->out);
    buf_append_format(out, "private     %s/private: keep it, and keep it secret\n", snapshot->out);
}

static void json_report(const struct snapshot *snapshot, struct buf *out)
{
    const struct reserves_statement *statement = &snapshot->statement;
    const struct {
        struct str name;
        struct money amount;
    } amounts[] = {
        { STR("total"), statement->tree.root.sum },
        { STR("overdrawn"), statement->overdrawn },
        { STR("owed"), snapshot->coverage.owed },
        { STR("held"), snapshot->coverage.held },
        { STR("clearing"), snapshot->coverage.clearing },
        { STR("short_of"), snapshot->coverage.short_of },
    };
    const struct {
        struct str name;
        uint64_t number;
    } numbers[] = {
        { STR("customers"), reserves_book_head(&snapshot->book)->count },
        { STR("overdrawn_count"), statement->overdrawn_count },
        { STR("shares"), snapshot->shares },
        { STR("leaves"), UINT64_C(1) << statement->tree.height },
        { STR("index"), statement->index },
        { STR("tree_size"), statement->log.size },
    };
    struct json_writer json;
    char position[POSITION_TEXT_SIZE];
    json_writer_init(&json, out);
    json_write_object_begin(&json);
    json_write_key(&json, STR("folder"));
    json_write_string(&json, str_from(snapshot->out));
    json_write_key(&json, STR("asset"));
    json_write_string(&json, str_from(statement->asset.code));
    json_write_key(&json, STR("position"));
    json_write_string(&json, position_format(statement->at, position));
    for (size_t i = 0; i < sizeof amounts / sizeof amounts[0]; i++) {
        json_write_key(&json, amounts[i].name);
        json_write_money(&json, amounts[i].amount, statement->asset.exponent);
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        json_write_key(&json, numbers[i].name);
        json_write_uint64(&json, numbers[i].number);
    }
    json_write_object_end(&json);
    CHECK(json_write_end(&json) == STATUS_OK);
    buf_append_byte(out, '\n');
}

static int snapshot_run(struct invocation *invocation)
{
    struct error error = { 0 };
    BUF_SCOPE struct buf out;
    struct snapshot snapshot = { .invocation = invocation };
    buf_init(&out, 16 << 10);
    buf_init(&snapshot.checkpoint, NOTE_SIZE_MAX);
    enum status status = options_parse(&snapshot, &error);
    if (status == STATUS_OK) status = snapshot_make(&snapshot, &error);
    if (status == STATUS_OK) {
        if (invocation->json) {
            json_report(&snapshot, &out);
        } else {
            text_report(&snapshot, &out);
        }
    } else if (snapshot.made) {
        reserves_folder_remove(snapshot.out);
    }
    all_close(&snapshot);
    if (status != STATUS_OK) return report_error(invocation, &error);
    return report_text(invocation, buf_view(&out));
}

static const struct option snapshot_options[] = {
    { "asset", "CODE", "of which asset", "EUR" },
    { "at", "POSITION", "1207-3, or 1207 for the end of that batch; now: all that is signed",
      "now" },
    { "out", "DIR", "a folder, which is made", NULL },
    { "shares", "N", "each balance is cut into so many random shares, 1 to 8", "2" },
    { "psp", "NAMES", "clearing accounts of these PSPs are named too, with commas between", NULL },
    { "bank", "IDS", "safeguarding accounts beside the chart's, with commas between", NULL },
    { 0 },
};

const struct command command_reserves_snapshot = {
    .name = "reserves snapshot",
    .summary = "sign what customers are owed at a position, and what is held for them",
    .details =
        "Reads the journal up to what the log's checkpoint covers, and wants it to be what was\n"
        "signed. Every account of kind liability but suspense is a customer's; its posted balance\n"
        "is cut into random shares, which are shuffled among leaves of nothing in a Merkle sum\n"
        "tree. Customers who owe us are in no total: how many, and what they owe, stands by\n"
        "itself.\n"
        "\n"
        "DIR/snapshot.json is for everybody: the total, the tree's root, our own accounts'\n"
        "balances, signed with the log's key. DIR/private (mode 0600) holds every balance and the\n"
        "secret that proofs are made with: lose it, and no proof can be made; show it, and all\n"
        "balances are known. Runs beside a server. docs/reserves.md says what is proven.",
    .options = snapshot_options,
    .examples = "reserves snapshot --asset EUR --psp sandbox --out reserves-2026-06\n"
                "reserves snapshot --asset EUR --at 1207 --out reserves-1207 --json",
    .run = snapshot_run,
};
