#include "doctor/custody.h"

#include <string.h>

#include "base/check.h"
#include "base/decimal.h"
#include "doctor/bundle_path.h"
#include "doctor/note_lines.h"

static const char format[] = "tpwallet-custody-1";

bool custody_word_is_valid(struct str word)
{
    if (word.len == 0 || word.len > CUSTODY_WORD_MAX) return false;
    for (size_t i = 0; i < word.len; i++)
        if (word.data[i] <= ' ' || word.data[i] > '~') return false;
    return true;
}

bool custody_subject_is_valid(struct str subject)
{
    return custody_word_is_valid(subject) && bundle_path_is_kept(subject);
}

static void text_build(const struct custody_entry *entry, struct buf *out)
{
    char at[TIME_TEXT_SIZE];
    char key[NOTE_KEY_TEXT_SIZE];
    buf_append_format(out, "%s\nnumber %llu\nat %.*s\nact %.*s\nsubject %.*s\n", format,
                      (unsigned long long)entry->number, STR_ARG(wall_time_format(entry->at, at)),
                      STR_ARG(entry->act), STR_ARG(entry->subject));
    note_line_digest(out, "digest", &entry->digest);
    note_line_digest(out, "previous", &entry->previous);
    buf_append_format(out, "key %.*s\n", STR_ARG(note_key_format(&entry->key, key)));
}

static void chain_move(struct custody_chain *chain, struct str whole)
{
    chain->number++;
    chain->last = digest_of(whole.data, whole.len);
}

void custody_append(struct custody_chain *chain, const struct custody_entry *entry,
                    const struct note_signer *signer, struct buf *out)
{
    CHECK(custody_word_is_valid(entry->act));
    CHECK(custody_subject_is_valid(entry->subject));
    struct custody_entry whole = *entry;
    whole.number = chain->number + 1;
    whole.previous = chain->last;
    whole.key = signer->key;
    BUF_SCOPE struct buf text;
    BUF_SCOPE struct buf note;
    buf_init(&text, CUSTODY_ENTRY_MAX);
    buf_init(&note, CUSTODY_ENTRY_MAX);
    text_build(&whole, &text);
    note_begin(&note, buf_view(&text));
    note_sign(&note, buf_view(&text), signer);
    CHECK(!note.overflow);
    size_t from = out->len;
    buf_append_format(out, "%zu\n", note.len);
    buf_append_str(out, buf_view(&note));
    if (out->overflow) return; /* the caller sees it */
    chain_move(chain, (struct str){ (const char *)out->data + from, out->len - from });
}

static bool text_parse(struct str text, struct custody_entry *out_entry)
{
    struct str line;
    struct str number;
    struct str at;
    struct str key;
    bool there = str_take_line(&text, &line) && str_equal(line, str_from(format)) &&
                 note_line_take(&text, "number", &number) && note_line_take(&text, "at", &at) &&
                 note_line_take(&text, "act", &out_entry->act) &&
                 note_line_take(&text, "subject", &out_entry->subject) &&
                 note_line_take_digest(&text, "digest", &out_entry->digest) &&
                 note_line_take_digest(&text, "previous", &out_entry->previous) &&
                 note_line_take(&text, "key", &key) && text.len == 0;
    return there && decimal_parse(number, UINT64_MAX, &out_entry->number) == STATUS_OK &&
           wall_time_parse(at, &out_entry->at) == STATUS_OK &&
           custody_word_is_valid(out_entry->act) && custody_subject_is_valid(out_entry->subject) &&
           note_key_parse(key, &out_entry->key) == STATUS_OK && out_entry->key.kind == NOTE_ED25519;
}

/* Cuts "LENGTH\n" and so many bytes off; *out_whole is both, *out_note the bytes. */
static bool entry_take(struct str *rest, struct str *out_whole, struct str *out_note)
{
    struct str line;
    struct str behind = *rest;
    uint64_t len;
    if (!str_take_line(&behind, &line)) return false;
    if (decimal_parse(line, CUSTODY_ENTRY_MAX, &len) != STATUS_OK || len > behind.len) return false;
    *out_note = (struct str){ behind.data, (size_t)len };
    *out_whole = (struct str){ rest->data, line.len + 1 + (size_t)len };
    *rest = (struct str){ behind.data + len, behind.len - (size_t)len };
    return true;
}

enum status custody_next(struct str *rest, struct custody_chain *chain,
                         struct custody_entry *out_entry, struct error *out_error)
{
    unsigned long long number = chain->number + 1;
    if (rest->len == 0) return STATUS_NOT_FOUND;
    struct str whole;
    struct str bytes;
    struct note note;
    bool read = entry_take(rest, &whole, &bytes) &&
                note_parse(bytes, &note, out_error) == STATUS_OK &&
                text_parse(note.text, out_entry);
    if (!read)
        return error_set(out_error, STATUS_INVALID, "custody.log: entry %llu is none", number);
    if (note_verify(&note, &out_entry->key, out_error) != STATUS_OK)
        return error_set(out_error, STATUS_DENIED,
                         "custody.log: the signature of entry %llu is wrong", number);
    bool chained = out_entry->number == number && digest_equal(&out_entry->previous, &chain->last);
    if (!chained)
        return error_set(out_error, STATUS_DENIED,
                         "custody.log: entry %llu does not follow the one before", number);
    chain_move(chain, whole);
    return STATUS_OK;
}

bool custody_is_torn(struct str rest)
{
    struct str line;
    struct str behind = rest;
    struct str text;
    struct note note;
    struct error error;
    uint64_t len;
    if (rest.len == 0) return false;
    if (!str_take_line(&behind, &line))
        return decimal_parse(rest, CUSTODY_ENTRY_MAX, &len) == STATUS_OK;
    if (decimal_parse(line, CUSTODY_ENTRY_MAX, &len) != STATUS_OK || len <= behind.len)
        return false;
    if (note_parse(behind, &note, &error) == STATUS_OK) return false; /* its length is damaged */
    text = behind;
    (void)str_take_line(&text, &line); /* the form of this entry; another one is of another */
    while (str_take_line(&text, &line))
        if (str_equal(line, str_from(format))) return false;
    return true;
}

bool custody_newest(struct str log, struct str subject, struct custody_entry *out_entry)
{
    struct str whole;
    struct str bytes;
    struct note note;
    struct error error;
    struct custody_entry entry;
    bool found = false;
    while (entry_take(&log, &whole, &bytes)) {
        bool read = note_parse(bytes, &note, &error) == STATUS_OK && text_parse(note.text, &entry);
        CHECK(read); /* it was read before */
        if (!str_equal(entry.subject, subject)) continue;
        *out_entry = entry;
        found = true;
    }
    return found;
}
