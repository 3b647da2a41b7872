/* Read by writing it again: what is not the same bytes is refused. */
#include "wallet/reserves_statement.h"

#include <inttypes.h>

#include "base/base64.h"
#include "base/check.h"
#include "base/decimal.h"
#include "model/position.h"

#define ORIGIN_END STR("/reserves")
#define FORMAT STR("tpwallet reserves 1")

const char *reserve_role_name(unsigned role)
{
#define RESERVE_ROLE_NAME(name, value, text, sentence) [value] = text,
    static const char *const names[] = { RESERVE_ROLE_TABLE(RESERVE_ROLE_NAME) };
#undef RESERVE_ROLE_NAME
    return role < RESERVE_ROLE_END ? names[role] : NULL;
}

struct digest reserves_key_digest(const struct secret *key)
{
    const struct digest_part parts[] = { { "TPWK", 4 }, { key->bytes, key->size } };
    return digest_of_parts(parts, 2);
}

/* ---- Writing ---- */

static void digest_line(struct buf *text, const struct digest *digest)
{
    base64_append(text, digest->bytes, sizeof digest->bytes);
    buf_append_byte(text, '\n');
}

static void account_write(const struct reserve_account *account, unsigned exponent,
                          struct buf *text)
{
    char id[UUID_TEXT_LEN + 1];
    char debits[MONEY_TEXT_SIZE];
    char credits[MONEY_TEXT_SIZE];
    uuid_format(account->id.value, id);
    buf_append_str(text, str_from(reserve_role_name(account->role)));
    if (account->psp[0] != '\0') buf_append_format(text, ":%s", account->psp);
    buf_append_format(text, " %s debits %.*s credits %.*s\n", id,
                      STR_ARG(money_format(account->debits, exponent, debits)),
                      STR_ARG(money_format(account->credits, exponent, credits)));
}

/* All but the first line. */
static void body_write(const struct reserves_statement *statement, struct buf *text)
{
    const struct asset *asset = &statement->asset;
    char position[POSITION_TEXT_SIZE];
    char amount[MONEY_TEXT_SIZE];
    buf_append_format(text, "%.*s\n", STR_ARG(FORMAT));
    buf_append_format(text, "asset %s %u %u\n", asset->code, asset->id, asset->exponent);
    buf_append_format(text, "lane %u\n", statement->lane);
    buf_append_format(text, "position %.*s\n", STR_ARG(position_format(statement->at, position)));
    buf_append_format(text, "leaf %" PRIu64 " of %" PRIu64 "\nlog ", statement->index,
                      statement->log.size);
    digest_line(text, &statement->log.root);
    buf_append_format(text, "tree %u ", statement->tree.height);
    digest_line(text, &statement->tree.root.hash);
    buf_append_format(text, "total %.*s %s\n",
                      STR_ARG(money_format(statement->tree.root.sum, asset->exponent, amount)),
                      asset->code);
    buf_append_format(text, "overdrawn %" PRIu64 " owe %.*s %s\nkey ", statement->overdrawn_count,
                      STR_ARG(money_format(statement->overdrawn, asset->exponent, amount)),
                      asset->code);
    digest_line(text, &statement->key);
    for (uint32_t i = 0; i < statement->account_count; i++) {
        account_write(&statement->accounts[i], asset->exponent, text);
    }
}

void reserves_statement_sign(const struct reserves_statement *statement,
                             const struct note_signer *signer, struct buf *note)
{
    CHECK(statement->account_count <= RESERVE_ACCOUNTS_MAX);
    BUF_SCOPE struct buf text;
    buf_init(&text, RESERVES_TEXT_SIZE_MAX);
    buf_append_str(&text, note_key_name(&signer->key));
    buf_append_format(&text, "%.*s\n", STR_ARG(ORIGIN_END));
    body_write(statement, &text);
    CHECK(buf_status(&text) == STATUS_OK);
    note_begin(note, buf_view(&text));
    note_sign(note, buf_view(&text), signer);
}

/* ---- Reading ---- */

enum { WORDS_MAX = 6 };

struct line {
    struct str words[WORDS_MAX];
    uint32_t count;
};

/* At single blanks; a line of more words has WORDS_MAX + 1 of them. */
static bool line_take(struct str *rest, struct line *line)
{
    struct str text;
    if (!str_take_line(rest, &text)) return false;
    *line = (struct line){ .count = 1 };
    size_t from = 0;
    for (size_t at = 0; at <= text.len; at++) {
        if (at < text.len && text.data[at] != ' ') continue;
        line->words[line->count - 1] = (struct str){ text.data + from, at - from };
        from = at + 1;
        if (at == text.len) break;
        if (line->count++ == WORDS_MAX) break;
    }
    return true;
}

/* Whether it has this many words, and begins with this one. */
static bool line_is(const struct line *line, struct str name, uint32_t count)
{
    return line->count == count && str_equal(line->words[0], name);
}

static bool digest_take(struct str word, struct digest *out_digest)
{
    return base64_parse_exact(word, out_digest->bytes, sizeof out_digest->bytes) == STATUS_OK;
}

static bool number_take(struct str word, uint64_t maximum, uint64_t *out_number)
{
    return decimal_parse(word, maximum, out_number) == STATUS_OK;
}

static enum status bad(struct error *out_error, const char *why)
{
    enum status status =
        error_set(out_error, STATUS_INVALID, "this is not a statement of reserves");
    error_detail(out_error, "%s", why);
    return status;
}

static bool asset_take(const struct line *line, struct asset *out_asset)
{
    uint64_t id = 0;
    uint64_t exponent = 0;
    struct str code = line->words[1];
    struct asset asset = { 0 };
    if (!line_is(line, STR("asset"), 4) || code.len == 0 || code.len > ASSET_CODE_LEN_MAX ||
        !number_take(line->words[2], UINT32_MAX, &id) ||
        !number_take(line->words[3], ASSET_EXPONENT_MAX, &exponent)) {
        return false;
    }
    memcpy(asset.code, code.data, code.len);
    asset.id = (uint32_t)id;
    asset.exponent = (uint8_t)exponent;
    const struct asset *iso = asset_iso_by_code(code);
    if (iso == NULL) iso = asset_iso_by_id(asset.id);
    if (iso != NULL && (iso->id != asset.id || iso->exponent != asset.exponent ||
                        !str_equal(str_from(iso->code), code))) {
        return false;
    }
    *out_asset = asset;
    return true;
}

static bool position_take(const struct line *line, struct position *out_at)
{
    return line_is(line, STR("position"), 2) && position_parse(line->words[1], out_at) &&
           out_at->index != POSITION_INDEX_END;
}

/* "500.00 EUR" */
static bool amount_take(const struct str words[2], const struct asset *asset,
                        struct money *out_amount)
{
    return str_equal(words[1], str_from(asset->code)) &&
           money_parse(words[0], asset->exponent, out_amount) == STATUS_OK;
}

static bool role_take(struct str word, struct reserve_account *account)
{
    for (unsigned role = RESERVE_BANK; role < RESERVE_ROLE_END; role++) {
        struct str name = str_from(reserve_role_name(role));
        if (!str_starts(word, name)) continue;
        account->role = (enum reserve_role)role;
        if (word.len == name.len) return role != RESERVE_CLEARING;
        struct str psp = { word.data + name.len + 1, word.len - name.len - 1 };
        if (role != RESERVE_CLEARING || word.data[name.len] != ':' || !psp_name_is_valid(psp)) {
            return false;
        }
        memcpy(account->psp, psp.data, psp.len);
        return true;
    }
    return false;
}

static bool account_take(const struct line *line, unsigned exponent,
                         struct reserve_account *out_account)
{
    struct reserve_account account = { 0 };
    if (line->count != 6 || !role_take(line->words[0], &account) ||
        uuid_parse(line->words[1], &account.id.value) != STATUS_OK ||
        money_parse(line->words[3], exponent, &account.debits) != STATUS_OK ||
        money_parse(line->words[5], exponent, &account.credits) != STATUS_OK) {
        return false;
    }
    *out_account = account;
    return true;
}

/* An account that is named twice would count twice. */
static bool is_named_before(const struct reserves_statement *statement, struct account_id id)
{
    for (uint32_t i = 0; i < statement->account_count; i++) {
        if (uuid_equal(statement->accounts[i].id.value, id.value)) return true;
    }
    return false;
}

static enum status accounts_take(struct str *rest, struct reserves_statement *statement,
                                 struct error *out_error)
{
    struct line line;
    while (line_take(rest, &line)) {
        struct reserve_account account;
        if (statement->account_count == RESERVE_ACCOUNTS_MAX) {
            return bad(out_error, "it names too many accounts");
        }
        if (!account_take(&line, statement->asset.exponent, &account)) {
            return bad(out_error, "a line is no account of ours with both its sides");
        }
        if (is_named_before(statement, account.id)) {
            return bad(out_error, "it names an account twice");
        }
        statement->accounts[statement->account_count++] = account;
    }
    return STATUS_OK;
}

/* Where it was taken: the log's part. */
static enum status place_take(struct str *rest, struct reserves_statement *statement,
                              struct error *out_error)
{
    uint64_t lane = 0;
    struct line line;
    if (!line_take(rest, &line) || !line_is(&line, STR("lane"), 2) ||
        !number_take(line.words[1], UINT32_MAX, &lane)) {
        return bad(out_error, "it names no lane");
    }
    statement->lane = (uint32_t)lane;
    if (!line_take(rest, &line) || !position_take(&line, &statement->at)) {
        return bad(out_error, "it names no position");
    }
    if (!line_take(rest, &line) || !line_is(&line, STR("leaf"), 4) ||
        !number_take(line.words[3], TREE_SIZE_MAX, &statement->log.size) ||
        !number_take(line.words[1], statement->log.size, &statement->index)) {
        return bad(out_error, "it names no leaf of the log");
    }
    if (!line_take(rest, &line) || !line_is(&line, STR("log"), 2) ||
        !digest_take(line.words[1], &statement->log.root)) {
        return bad(out_error, "it names no root of the log");
    }
    return STATUS_OK;
}

/* What is owed: the tree's part. */
static enum status tree_take(struct str *rest, struct reserves_statement *statement,
                             struct error *out_error)
{
    uint64_t height = 0;
    struct line line;
    if (!line_take(rest, &line) || !line_is(&line, STR("tree"), 3) ||
        !number_take(line.words[1], SUM_HEIGHT_MAX, &height) ||
        !digest_take(line.words[2], &statement->tree.root.hash)) {
        return bad(out_error, "it has no sum tree");
    }
    statement->tree.height = (uint32_t)height;
    if (!line_take(rest, &line) || !line_is(&line, STR("total"), 3) ||
        !amount_take(&line.words[1], &statement->asset, &statement->tree.root.sum)) {
        return bad(out_error, "its total is no amount of its asset, from zero to 128 bits");
    }
    if (!line_take(rest, &line) || !line_is(&line, STR("overdrawn"), 5) ||
        !number_take(line.words[1], UINT64_MAX, &statement->overdrawn_count) ||
        !amount_take(&line.words[3], &statement->asset, &statement->overdrawn)) {
        return bad(out_error, "it does not say what customers owe");
    }
    if (!line_take(rest, &line) || !line_is(&line, STR("key"), 2) ||
        !digest_take(line.words[1], &statement->key)) {
        return bad(out_error, "it does not commit to a key");
    }
    return STATUS_OK;
}

enum status reserves_statement_parse(struct str text, struct reserves_statement *out_statement,
                                     struct error *out_error)
{
    struct reserves_statement statement = { 0 };
    struct str rest = text;
    struct str origin;
    struct line line;
    if (text.len > RESERVES_TEXT_SIZE_MAX) return bad(out_error, "it is too long");
    if (!str_take_line(&rest, &origin)) return bad(out_error, "it has no first line");
    struct str body = rest;
    struct str format;
    if (!str_take_line(&rest, &format) || !str_equal(format, FORMAT)) {
        return bad(out_error, "its second line is not 'tpwallet reserves 1'");
    }
    if (!line_take(&rest, &line) || !asset_take(&line, &statement.asset)) {
        return bad(out_error, "it names no asset, or one with other decimals than it has");
    }
    enum status status = place_take(&rest, &statement, out_error);
    if (status == STATUS_OK) status = tree_take(&rest, &statement, out_error);
    if (status == STATUS_OK) status = accounts_take(&rest, &statement, out_error);
    if (status != STATUS_OK) return status;
    BUF_SCOPE struct buf again;
    buf_init(&again, RESERVES_TEXT_SIZE_MAX);
    body_write(&statement, &again);
    if (!str_equal(buf_view(&again), body)) return bad(out_error, "it is not written as we do");
    *out_statement = statement;
    return STATUS_OK;
}

/* "name/reserves" is the first line. */
static bool origin_is(struct str text, const struct note_key *key)
{
    struct str line;
    struct str name = note_key_name(key);
    if (!str_take_line(&text, &line) || !str_starts(line, name)) return false;
    struct str end = { line.data + name.len, line.len - name.len };
    return str_equal(end, ORIGIN_END);
}

enum status reserves_statement_open(const struct note *note, const struct note_key *key,
                                    struct reserves_statement *out_statement,
                                    struct error *out_error)
{
    enum status status = note_verify(note, key, out_error);
    if (status != STATUS_OK) return status;
    if (!origin_is(note->text, key)) {
        status = error_set(out_error, STATUS_DENIED,
                           "the note is signed, but is no statement of this log's reserves");
        error_detail(out_error, "its first line is not '%.*s/reserves'",
                     STR_ARG(note_key_name(key)));
        return status;
    }
    return reserves_statement_parse(note->text, out_statement, out_error);
}

/* ---- What it comes to ---- */

/* What one side has more than the other; nothing when it has less. */
static struct money excess(struct money side, struct money other)
{
    struct money difference = MONEY_ZERO;
    bool more = money_subtract(side, other, &difference);
    return more ? difference : MONEY_ZERO;
}

bool reserves_coverage_of(const struct reserves_statement *statement,
                          struct reserves_coverage *out_coverage)
{
    struct reserves_coverage coverage = { .owed = statement->tree.root.sum };
    for (uint32_t i = 0; i < statement->account_count; i++) {
        const struct reserve_account *account = &statement->accounts[i];
        struct money debit = excess(account->debits, account->credits);
        struct money credit = excess(account->credits, account->debits);
        bool fits = true;
        switch (account->role) {
        case RESERVE_BANK: fits = money_add(coverage.held, debit, &coverage.held); break;
        case RESERVE_CLEARING:
            fits = money_add(coverage.clearing, debit, &coverage.clearing);
            break;
        case RESERVE_SUSPENSE: fits = money_add(coverage.owed, credit, &coverage.owed); break;
        case RESERVE_ROLE_END: break;
        }
        if (!fits) return false;
    }
    struct money all = MONEY_ZERO;
    if (!money_add(coverage.held, coverage.clearing, &all)) return false;
    coverage.short_of = excess(coverage.owed, coverage.held);
    coverage.short_with_clearing = excess(coverage.owed, all);
    *out_coverage = coverage;
    return true;
}
