/* tpwallet reserves verify: a snapshot or a proof held against the log's key; no ledger. */
#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/core_dumps.h"
#include "cmd/report.h"
#include "cmd/reserves_files.h"
#include "model/position.h"
#include "wallet/reserves_proof.h"

struct verifying {
    const struct invocation *invocation;
    struct note_key key;
    struct buf text;
    struct arena arena;
    struct reserves_facts facts;
    bool is_proof;
    bool with_clearing;
    struct sum_proof sums;
    struct reserves_proof proof; /* when it is one */
    const char *tree;            /* the private part's file; NULL: not looked at */
    uint64_t customers;          /* in it */
};

static enum status arguments_parse(struct verifying *verifying, struct error *out_error)
{
    const struct invocation *invocation = verifying->invocation;
    const char *key = invocation_text(invocation, "key");
    verifying->tree = invocation_text(invocation, "tree");
    verifying->with_clearing = invocation_has(invocation, "with-clearing");
    if (key == NULL) {
        enum status status = error_set(out_error, STATUS_INVALID, "--key is missing");
        error_hint(out_error, "the log's public key, from whom you trust: `tpwallet log key`");
        return status;
    }
    if (note_key_parse(str_from(key), &verifying->key) == STATUS_OK &&
        verifying->key.kind == NOTE_ED25519) {
        return STATUS_OK;
    }
    return error_set(out_error, STATUS_INVALID, "--key is not the public key of a log");
}

/* ---- What is verified ---- */

static enum status snapshot_verify(struct verifying *verifying, struct error *out_error)
{
    struct reserves_snapshot snapshot;
    enum status status = reserves_snapshot_parse(buf_view(&verifying->text), &verifying->arena,
                                                 &snapshot, out_error);
    if (status != STATUS_OK) return status;
    return reserves_snapshot_verify(&snapshot, &verifying->key, &verifying->facts, out_error);
}

static enum status proof_verify_all(struct verifying *verifying, struct error *out_error)
{
    enum status status = reserves_proof_parse(buf_view(&verifying->text), &verifying->arena,
                                              &verifying->sums, &verifying->proof, out_error);
    if (status != STATUS_OK) return status;
    return reserves_proof_verify(&verifying->proof, &verifying->key, &verifying->facts, out_error);
}

/* The whole tree, made again of every balance. */
static enum status tree_verify(struct verifying *verifying, struct error *out_error)
{
    struct reserves_book book;
    enum status status = reserves_private_read(verifying->tree, &book, out_error);
    if (status == STATUS_OK) status = reserves_book_build(&book, out_error);
    if (status == STATUS_OK) {
        status = reserves_book_compare(&book, &verifying->facts.statement, out_error);
    }
    if (status == STATUS_OK) verifying->customers = reserves_book_head(&book)->count;
    reserves_book_close(&book);
    return status;
}

static enum status verify(struct verifying *verifying, struct error *out_error)
{
    verifying->is_proof = reserves_is_proof(buf_view(&verifying->text));
    if (verifying->is_proof) return proof_verify_all(verifying, out_error);
    enum status status = snapshot_verify(verifying, out_error);
    if (status != STATUS_OK || verifying->tree == NULL) return status;
    return tree_verify(verifying, out_error);
}

/* ---- Telling ---- */

static const char PROVEN_PROOF[] =
    "the log whose key you gave signed this total, as of a unit of its own; your balance is in "
    "it, whole, and no sum on its way up is negative";
static const char PROVEN_SNAPSHOT[] =
    "the log whose key you gave signed these sums, as of a unit of its own";
static const char PROVEN_TREE[] =
    "the log whose key you gave signed these sums, as of a unit of its own; the total is the sum "
    "of the balances in the private part, each once, none negative";
static const char NOT_PROVEN_PROOF[] =
    "that others were counted: each has to look; that everybody was shown this total: compare "
    "it with what is published; that the bank holds what the ledger says it holds";
static const char NOT_PROVEN_SNAPSHOT[] =
    "that any customer is in the total: proofs and --tree show that; that these are the ledger's "
    "balances: `tpwallet log verify` and a snapshot by the auditor show that; that the "
    "bank holds what the ledger says it holds: ask the bank";
static const char NOT_PROVEN_TREE[] =
    "that no customer was left out: proofs show that, each to its customer; that these are the "
    "ledger's balances: a snapshot that the auditor makes shows that; that the bank "
    "holds what the ledger says it holds: ask the bank";

static struct str proven(const struct verifying *verifying)
{
    if (verifying->is_proof) return str_from(PROVEN_PROOF);
    return str_from(verifying->tree == NULL ? PROVEN_SNAPSHOT : PROVEN_TREE);
}

static struct str not_proven(const struct verifying *verifying)
{
    if (verifying->is_proof) return str_from(NOT_PROVEN_PROOF);
    return str_from(verifying->tree == NULL ? NOT_PROVEN_SNAPSHOT : NOT_PROVEN_TREE);
}

static struct money shortage(const struct verifying *verifying)
{
    const struct reserves_coverage *coverage = &verifying->facts.coverage;
    return verifying->with_clearing ? coverage->short_with_clearing : coverage->short_of;
}

static void amount_line(const struct verifying *verifying, struct buf *out, const char *name,
                        struct money amount, const char *what)
{
    const struct asset *asset = &verifying->facts.statement.asset;
    char text[MONEY_TEXT_SIZE];
    buf_append_format(out, "%-11s %.*s %s%s\n", name,
                      STR_ARG(money_format(amount, asset->exponent, text)), asset->code, what);
}

static void text_report(const struct verifying *verifying, struct buf *out)
{
    const struct reserves_facts *facts = &verifying->facts;
    const struct reserves_statement *statement = &facts->statement;
    const struct reserves_coverage *coverage = &facts->coverage;
    char position[POSITION_TEXT_SIZE];
    char time[TIME_TEXT_SIZE];
    if (verifying->is_proof) {
        char id[UUID_TEXT_LEN + 1];
        uuid_format(verifying->proof.account.value, id);
        buf_append_format(out, "verified    account %s\n", id);
        amount_line(verifying, out, "balance", verifying->proof.balance, "");
    } else {
        buf_append_format(out, "verified    a snapshot of reserves in %s\n", statement->asset.code);
    }
    buf_append_format(out, "at          %.*s, position %.*s, lane %u\n",
                      STR_ARG(wall_time_format(facts->stamp, time)),
                      STR_ARG(position_format(statement->at, position)), statement->lane);
    buf_append_format(out, "log         %.*s: leaf %" PRIu64 " of %" PRIu64 "\n",
                      STR_ARG(note_key_name(&verifying->key)), statement->index,
                      statement->log.size);
    amount_line(verifying, out, "total", statement->tree.root.sum, ", owed to customers");
    if (verifying->tree != NULL) {
        buf_append_format(out, "tree        %" PRIu64 " balances give this root and this total\n",
                          verifying->customers);
    }
    if (statement->overdrawn_count > 0) {
        buf_append_format(out, "overdrawn   %" PRIu64 " customers owe, and are in no total\n",
                          statement->overdrawn_count);
        amount_line(verifying, out, "they owe", statement->overdrawn, "");
    }
    amount_line(verifying, out, "owed", coverage->owed, ", with what is in suspense");
    amount_line(verifying, out, "held", coverage->held, " at banks");
    amount_line(verifying, out, "clearing", coverage->clearing,
                verifying->with_clearing ? " at PSPs, counted as held" : " at PSPs, not counted");
    if (money_is_zero(shortage(verifying))) {
        buf_append_format(out, "covered     what is owed is held\n");
    } else {
        amount_line(verifying, out, "short of", shortage(verifying), "");
    }
    buf_append_format(out, "proven      %.*s\n", STR_ARG(proven(verifying)));
    buf_append_format(out, "not proven  %.*s\n", STR_ARG(not_proven(verifying)));
}

static void texts_write(const struct verifying *verifying, struct json_writer *json)
{
    const struct reserves_facts *facts = &verifying->facts;
    char position[POSITION_TEXT_SIZE];
    char time[TIME_TEXT_SIZE];
    const struct {
        struct str name;
        struct str text;
    } texts[] = {
        { STR("kind"), str_from(verifying->is_proof ? "proof" : "snapshot") },
        { STR("asset"), str_from(facts->statement.asset.code) },
        { STR("position"), position_format(facts->statement.at, position) },
        { STR("at"), wall_time_format(facts->stamp, time) },
        { STR("origin"), note_key_name(&verifying->key) },
        { STR("proven"), proven(verifying) },
        { STR("not_proven"), not_proven(verifying) },
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        json_write_key(json, texts[i].name);
        json_write_string(json, texts[i].text);
    }
}

static void json_report(const struct verifying *verifying, struct buf *out)
{
    const struct reserves_statement *statement = &verifying->facts.statement;
    const struct reserves_coverage *coverage = &verifying->facts.coverage;
    const struct {
        struct str name;
        struct money amount;
    } amounts[] = {
        { STR("total"), statement->tree.root.sum },
        { STR("overdrawn"), statement->overdrawn },
        { STR("owed"), coverage->owed },
        { STR("held"), coverage->held },
        { STR("clearing"), coverage->clearing },
        { STR("short_of"), shortage(verifying) },
    };
    struct json_writer json;
    json_writer_init(&json, out);
    json_write_object_begin(&json);
    json_write_key(&json, STR("verified"));
    json_write_bool(&json, true);
    json_write_key(&json, STR("covered"));
    json_write_bool(&json, money_is_zero(shortage(verifying)));
    texts_write(verifying, &json);
    if (verifying->is_proof) {
        json_write_key(&json, STR("account"));
        json_write_uuid(&json, verifying->proof.account.value);
        json_write_key(&json, STR("balance"));
        json_write_money(&json, verifying->proof.balance, statement->asset.exponent);
        json_write_key(&json, STR("shares"));
        json_write_uint64(&json, verifying->sums.share_count);
    }
    for (size_t i = 0; i < sizeof amounts / sizeof amounts[0]; i++) {
        json_write_key(&json, amounts[i].name);
        json_write_money(&json, amounts[i].amount, statement->asset.exponent);
    }
    if (verifying->tree != NULL) {
        json_write_key(&json, STR("customers"));
        json_write_uint64(&json, verifying->customers);
    }
    json_write_key(&json, STR("overdrawn_count"));
    json_write_uint64(&json, statement->overdrawn_count);
    json_write_key(&json, STR("index"));
    json_write_uint64(&json, statement->index);
    json_write_key(&json, STR("tree_size"));
    json_write_uint64(&json, statement->log.size);
    json_write_object_end(&json);
    CHECK(json_write_end(&json) == STATUS_OK);
    buf_append_byte(out, '\n');
}

/* What was verified; a snapshot that does not cover what is owed has failed all the same. */
static int verdict_show(const struct verifying *verifying)
{
    BUF_SCOPE struct buf out;
    buf_init(&out, 64 << 10);
    if (verifying->invocation->json) {
        json_report(verifying, &out);
    } else {
        text_report(verifying, &out);
    }
    int code = report_text(verifying->invocation, buf_view(&out));
    bool covered = money_is_zero(shortage(verifying));
    if (code != EXIT_CODE_DONE || covered || verifying->is_proof) return code;
    (void)fprintf(stderr, "tpwallet: what is held does not cover what is owed\n");
    return EXIT_CODE_REFUSED;
}

static enum status text_read(struct verifying *verifying, struct error *out_error)
{
    enum status status = core_dumps_off(out_error);
    if (status == STATUS_OK) status = arguments_parse(verifying, out_error);
    if (status == STATUS_OK) {
        status = reserves_public_read(verifying->invocation->positionals[0], &verifying->text,
                                      out_error);
    }
    if (status == STATUS_OK && verifying->tree != NULL &&
        reserves_is_proof(buf_view(&verifying->text))) {
        return error_set(out_error, STATUS_INVALID, "--tree is for a snapshot; this is a proof");
    }
    if (status != STATUS_OK) return status;
    if (arena_init(&verifying->arena, 2 * RESERVES_PROOF_SIZE_MAX) == STATUS_OK) return STATUS_OK;
    return error_set(out_error, STATUS_LIMIT, "no memory for the file");
}

static int verify_run(struct invocation *invocation)
{
    struct error error = { 0 };
    struct verifying verifying = { .invocation = invocation };
    buf_init(&verifying.text, RESERVES_PROOF_SIZE_MAX + 1);
    int code = EXIT_CODE_DONE;
    if (text_read(&verifying, &error) != STATUS_OK) {
        code = report_error(invocation, &error);
    } else if (verify(&verifying, &error) != STATUS_OK) {
        code = report_refused(invocation, &error);
    } else {
        code = verdict_show(&verifying);
    }
    arena_done(&verifying.arena);
    buf_free(&verifying.text);
    return code;
}

static const struct positional verify_positionals[] = {
    { "FILE", "a customer's proof; a snapshot.json, or the folder it is in", false },
    { 0 },
};

static const struct option verify_options[] = {
    { "key", "KEY", "the log's public key, from somebody you trust (`tpwallet log key`)", NULL },
    { "tree", "FILE", "the snapshot's private part: makes the whole tree again", NULL },
    { "with-clearing", NULL, "what PSPs owe counts as held, too", NULL },
    { 0 },
};

const struct command command_reserves_verify = {
    .name = "reserves verify",
    .summary = "verify a proof of a balance, or a snapshot of reserves: no ledger, no network",
    .details =
        "Of a proof, for the customer: that the log signed the total, and that the balance is in\n"
        "it, all of its shares; compare the balance with your own, and the total with what is\n"
        "published. Of a snapshot, for the auditor: that the log signed it, as of a unit in its\n"
        "tree, and that what is held at banks covers what is owed; with --tree, that the total is\n"
        "the sum of all balances in the private part, each once.\n"
        "\n"
        "Says what is proven and what is not. Ends with exit code 1 when anything is not as it\n"
        "must be, and for a snapshot also when what is owed is not covered.",
    .positionals = verify_positionals,
    .options = verify_options,
    .examples = "reserves verify alice.json --key $KEY\n"
                "reserves verify reserves-2026-06 --key $KEY --with-clearing\n"
                "reserves verify reserves-2026-06 --key $KEY --tree reserves-2026-06/private",
    .run = verify_run,
};
