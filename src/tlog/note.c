/* A text format for people: em dash, space, name, space, base64. */
#include "tlog/note.h"

#include <string.h>

#include "base/base64.h"
#include "base/check.h"
#include "base/hex.h"
#include "base/json_text.h"
#include "crypto/digest.h"

#define SIGNATURE_MARK STR("\xe2\x80\x94 ")
#define SIGNER_MARK STR("PRIVATE+KEY+")

/* kind and 32 bytes */
enum { KEY_SIZE = 33 };
_Static_assert((int)ED25519_PUBLIC_SIZE == (int)ED25519_SEED_SIZE, "both encoded alike");

/* ---- Characters ---- */

/* White_Space of Unicode 15 above U+0020. */
static bool is_wide_space(uint32_t c)
{
    return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
           c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

static uint32_t character_at(const char *at, unsigned len)
{
    static const uint8_t lead_bits[] = { 0, 0x7F, 0x1F, 0x0F, 0x07 };
    uint32_t c = (uint8_t)at[0] & lead_bits[len];
    for (unsigned i = 1; i < len; i++) c = c << 6 | ((uint8_t)at[i] & 0x3FU);
    return c;
}

static bool is_name(struct str name)
{
    if (name.len == 0) return false;
    const char *end = name.data + name.len;
    for (const char *at = name.data; at < end;) {
        unsigned len = json_text_utf8(at, end);
        if (len == 0) return false;
        uint32_t c = character_at(at, len);
        if (c <= ' ' || c == '+' || is_wide_space(c)) return false;
        at += len;
    }
    return true;
}

bool note_name_is_valid(struct str name)
{
    return name.len <= NOTE_NAME_LEN_MAX && is_name(name);
}

/* UTF-8 without control characters but newlines. */
static bool is_plain(struct str text)
{
    if (text.len == 0) return true;
    const char *end = text.data + text.len;
    for (const char *at = text.data; at < end;) {
        unsigned len = json_text_utf8(at, end);
        if (len == 0) return false;
        if ((uint8_t)*at < ' ' && *at != '\n') return false;
        at += len;
    }
    return true;
}

bool note_text_is_valid(struct str text)
{
    return text.len > 0 && text.data[text.len - 1] == '\n' && is_plain(text);
}

/* ---- Keys ---- */

static uint32_t read_id(const uint8_t bytes[4])
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static uint32_t key_id(const struct note_key *key)
{
    const uint8_t kind = (uint8_t)key->kind;
    const struct digest_part parts[] = {
        { key->name, key->name_len },
        { "\n", 1 },
        { &kind, 1 },
        { key->public.bytes, sizeof key->public.bytes },
    };
    struct digest digest = digest_of_parts(parts, 4);
    return read_id(digest.bytes);
}

enum status note_key_make(struct str name, enum note_kind kind, const struct ed25519_public *public,
                          struct note_key *out_key)
{
    CHECK(kind == NOTE_ED25519 || kind == NOTE_COSIGNATURE);
    if (!note_name_is_valid(name)) return STATUS_INVALID;
    struct note_key key = { .kind = kind, .public = *public, .name_len = name.len };
    memcpy(key.name, name.data, name.len);
    key.id = key_id(&key);
    *out_key = key;
    return STATUS_OK;
}

enum status note_signer_make(struct str name, enum note_kind kind, void *seed,
                             struct note_signer *out_signer)
{
    struct secret SECRET_SCOPE taken;
    enum status status = secret_take(seed, ED25519_SEED_SIZE, &taken);
    CHECK(status == STATUS_OK);
    struct ed25519_public public = ed25519_public_of(&taken);
    struct note_key key;
    status = note_key_make(name, kind, &public, &key);
    if (status != STATUS_OK) return status;
    out_signer->key = key;
    return secret_take(taken.bytes, taken.size, &out_signer->seed);
}

void note_signer_done(struct note_signer *signer)
{
    if (signer != NULL) secret_wipe(signer, sizeof *signer);
}

/* name, '+', id, '+', base64; returns its length. */
static size_t format_key(const struct note_key *key, const uint8_t bytes[32], char *text)
{
    uint8_t encoded[KEY_SIZE] = { (uint8_t)key->kind };
    memcpy(encoded + 1, bytes, KEY_SIZE - 1);
    char *to = text;
    memcpy(to, key->name, key->name_len);
    to += key->name_len;
    *to++ = '+';
    hex_put(key->id, to);
    to += 8;
    *to++ = '+';
    to += base64_format(encoded, sizeof encoded, to).len;
    secret_wipe(encoded, sizeof encoded);
    return (size_t)(to - text);
}

struct str note_key_format(const struct note_key *key, char text[NOTE_KEY_TEXT_SIZE])
{
    return (struct str){ text, format_key(key, key->public.bytes, text) };
}

struct str note_signer_format(const struct note_signer *signer, char text[NOTE_KEY_TEXT_SIZE])
{
    memcpy(text, SIGNER_MARK.data, SIGNER_MARK.len);
    size_t len = format_key(&signer->key, signer->seed.bytes, text + SIGNER_MARK.len);
    return (struct str){ text, SIGNER_MARK.len + len };
}

/* name, '+', id, '+', base64: in bytes[0] the kind. The id is compared by the caller. */
static bool parse_key(struct str text, struct str *out_name, uint32_t *out_id,
                      uint8_t out_bytes[KEY_SIZE])
{
    static const size_t tail = 1 + 8 + 1 + BASE64_LEN(KEY_SIZE);
    if (text.len <= tail) return false;
    *out_name = (struct str){ text.data, text.len - tail };
    const char *at = text.data + out_name->len;
    if (at[0] != '+' || at[9] != '+') return false;
    char digits[8];
    if (!hex_take(at + 1, out_id)) return false;
    hex_put(*out_id, digits);
    if (memcmp(digits, at + 1, sizeof digits) != 0) return false; /* capitals: another text */
    struct str encoded = { at + 10, BASE64_LEN(KEY_SIZE) };
    if (base64_parse_exact(encoded, out_bytes, KEY_SIZE) != STATUS_OK) return false;
    return out_bytes[0] == NOTE_ED25519 || out_bytes[0] == NOTE_COSIGNATURE;
}

enum status note_key_parse(struct str text, struct note_key *out_key)
{
    struct str name;
    uint32_t id;
    uint8_t bytes[KEY_SIZE];
    struct ed25519_public public;
    struct note_key key;
    if (!parse_key(text, &name, &id, bytes)) return STATUS_INVALID;
    memcpy(public.bytes, bytes + 1, sizeof public.bytes);
    enum status status = note_key_make(name, (enum note_kind)bytes[0], &public, &key);
    if (status != STATUS_OK) return status;
    if (key.id != id) return STATUS_INVALID;
    *out_key = key;
    return STATUS_OK;
}

enum status note_signer_parse(struct str text, struct note_signer *out_signer)
{
    if (!str_starts(text, SIGNER_MARK)) return STATUS_INVALID;
    struct str rest = { text.data + SIGNER_MARK.len, text.len - SIGNER_MARK.len };
    struct str name;
    uint32_t id;
    uint8_t bytes[KEY_SIZE];
    struct note_signer signer = { 0 };
    enum status status = STATUS_INVALID;
    if (parse_key(rest, &name, &id, bytes)) {
        status = note_signer_make(name, (enum note_kind)bytes[0], bytes + 1, &signer);
        if (status == STATUS_OK && signer.key.id != id) status = STATUS_INVALID;
    }
    if (status == STATUS_OK) {
        out_signer->key = signer.key;
        status = secret_take(signer.seed.bytes, signer.seed.size, &out_signer->seed);
    }
    secret_wipe(bytes, sizeof bytes);
    note_signer_done(&signer);
    return status;
}

/* ---- Reading ---- */

/* The text ends at the last empty line; what follows are signature lines. */
static bool split(struct str bytes, struct str *out_text, struct str *out_lines)
{
    for (size_t i = bytes.len; i >= 2; i--) {
        if (bytes.data[i - 1] != '\n' || bytes.data[i - 2] != '\n') continue;
        *out_text = (struct str){ bytes.data, i - 1 };
        *out_lines = (struct str){ bytes.data + i, bytes.len - i };
        return true;
    }
    return false;
}

static const char *parse_signature(struct str line, struct note_signature *out_signature)
{
    uint8_t bytes[4 + NOTE_SIGNATURE_SIZE_MAX];
    size_t size;
    if (!str_starts(line, SIGNATURE_MARK)) return "a signature line does not begin with a dash";
    struct str rest = { line.data + SIGNATURE_MARK.len, line.len - SIGNATURE_MARK.len };
    const char *space = rest.len == 0 ? NULL : memchr(rest.data, ' ', rest.len);
    if (space == NULL) return "a signature line has no signature";
    struct str name = { rest.data, (size_t)(space - rest.data) };
    struct str encoded = { space + 1, rest.len - name.len - 1 };
    if (!is_name(name)) return "a signature's name is none";
    if (base64_parse(encoded, sizeof bytes, bytes, &size) != STATUS_OK || size <= 4) {
        return "a signature is not encoded as it should be";
    }
    *out_signature = (struct note_signature){
        .name = name,
        .id = read_id(bytes),
        .encoded = encoded,
    };
    return NULL;
}

static enum status not_a_note(struct error *out_error, const char *why)
{
    enum status status = error_set(out_error, STATUS_INVALID, "this is not a signed note");
    error_detail(out_error, "%s", why);
    return status;
}

enum status note_parse(struct str bytes, struct note *out_note, struct error *out_error)
{
    if (bytes.len > NOTE_SIZE_MAX) {
        return error_set(out_error, STATUS_LIMIT, "a signed note has at most %d bytes",
                         NOTE_SIZE_MAX);
    }
    struct str lines;
    struct str line;
    struct str text;
    if (!is_plain(bytes)) return not_a_note(out_error, "its bytes are not plain text");
    if (!split(bytes, &text, &lines)) return not_a_note(out_error, "it has no empty line");
    if (lines.len == 0) return not_a_note(out_error, "it has no signature");
    struct note note = { .text = text };
    while (str_take_line(&lines, &line)) {
        if (note.signature_count == NOTE_SIGNATURES_MAX) {
            return error_set(out_error, STATUS_LIMIT, "a signed note has at most %d signatures",
                             NOTE_SIGNATURES_MAX);
        }
        const char *fault = parse_signature(line, &note.signatures[note.signature_count++]);
        if (fault != NULL) return not_a_note(out_error, fault);
    }
    if (lines.len != 0) return not_a_note(out_error, "its last line does not end");
    *out_note = note;
    return STATUS_OK;
}

enum status note_signature_by(const struct note *note, const struct note_key *key, uint32_t *at,
                              void *out_bytes, size_t size)
{
    uint8_t bytes[4 + NOTE_SIGNATURE_SIZE_MAX];
    CHECK(size <= NOTE_SIGNATURE_SIZE_MAX);
    for (; *at < note->signature_count; ++*at) {
        const struct note_signature *signature = &note->signatures[*at];
        if (signature->id != key->id || !str_equal(signature->name, note_key_name(key))) continue;
        ++*at;
        if (base64_parse_exact(signature->encoded, bytes, 4 + size) != STATUS_OK) {
            return STATUS_INVALID;
        }
        memcpy(out_bytes, bytes + 4, size);
        return STATUS_OK;
    }
    return STATUS_NOT_FOUND;
}

enum status note_verify(const struct note *note, const struct note_key *key,
                        struct error *out_error)
{
    CHECK(key->kind == NOTE_ED25519);
    struct ed25519_signature signature;
    uint32_t at = 0;
    bool verified = false;
    for (;;) {
        enum status status =
            note_signature_by(note, key, &at, signature.bytes, sizeof signature.bytes);
        if (status == STATUS_NOT_FOUND) break;
        verified = status == STATUS_OK && ed25519_verify(&key->public, note->text, &signature);
        if (verified) continue;
        return error_set(out_error, STATUS_DENIED, "the signature by '%.*s' is wrong",
                         STR_ARG(note_key_name(key)));
    }
    if (verified) return STATUS_OK;
    return error_set(out_error, STATUS_NOT_FOUND, "there is no signature by '%.*s' with this key",
                     STR_ARG(note_key_name(key)));
}

/* ---- Writing ---- */

void note_begin(struct buf *note, struct str text)
{
    CHECK(note_text_is_valid(text));
    buf_append_str(note, text);
    buf_append_byte(note, '\n');
}

void note_sign(struct buf *note, struct str text, const struct note_signer *signer)
{
    CHECK(signer->key.kind == NOTE_ED25519);
    struct ed25519_signature signature = ed25519_sign(&signer->seed, text);
    note_append_signature(note, &signer->key, signature.bytes, sizeof signature.bytes);
}

void note_append_signature(struct buf *note, const struct note_key *key, const void *bytes,
                           size_t size)
{
    uint8_t encoded[4 + NOTE_SIGNATURE_SIZE_MAX];
    CHECK(size > 0 && size <= NOTE_SIGNATURE_SIZE_MAX);
    for (unsigned i = 0; i < 4; i++) encoded[i] = (uint8_t)(key->id >> (24 - 8 * i));
    memcpy(encoded + 4, bytes, size);
    buf_append_str(note, SIGNATURE_MARK);
    buf_append_str(note, note_key_name(key));
    buf_append_byte(note, ' ');
    base64_append(note, encoded, 4 + size);
    buf_append_byte(note, '\n');
}
