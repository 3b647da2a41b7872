#include "adapter/memcached_look.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "adapter/tcp_connect.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/decimal.h"
#include "base/hex.h"

enum {
    LINE_SIZE_MAX = 4096, /* a key is at most 750 bytes when it is escaped */
    ROOM = MEMCACHED_VALUE_SIZE_MAX + LINE_SIZE_MAX,
};

struct memcached_look {
    int file;
    uint8_t *bytes; /* ROOM, of which [at, end) came and is not used */
    size_t at;
    size_t end;
};

enum status memcached_look_open(const char *endpoint, struct memcached_look **out_look,
                                struct error *out_error)
{
    char host[TCP_HOST_SIZE];
    const char *port;
    if (!tcp_endpoint_split(endpoint, host, &port))
        return error_set(out_error, STATUS_INVALID, "'%s' is not HOST:PORT", endpoint);
    struct memcached_look *look = calloc(1, sizeof *look);
    uint8_t *bytes = malloc(ROOM);
    int file = look == NULL || bytes == NULL ? -1 : tcp_connect(host, port, MEMCACHED_LOOK_MS_MAX);
    const struct timeval timeout = { MEMCACHED_LOOK_MS_MAX / 1000, 0 };
    bool good = file >= 0 &&
                setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) == 0 &&
                setsockopt(file, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) == 0;
    if (good) {
        *look = (struct memcached_look){ .file = file, .bytes = bytes };
        *out_look = look;
        return STATUS_OK;
    }
    if (file >= 0) (void)close(file); /* nothing was sent */
    free(bytes);
    free(look);
    return error_set(out_error, STATUS_UNAVAILABLE, "there is no Memcached at %s", endpoint);
}

void memcached_look_close(struct memcached_look *look)
{
    if (look == NULL) return;
    (void)close(look->file); /* it is only asked */
    free(look->bytes);
    free(look);
}

/* ---- lines and bytes ---- */

static enum status gone(struct error *out_error)
{
    return error_set(out_error, STATUS_UNAVAILABLE, "Memcached does not answer");
}

static enum status garbled(struct error *out_error)
{
    return error_set(out_error, STATUS_CORRUPT, "this is not how Memcached answers");
}

static enum status send_all(struct memcached_look *look, struct str text, struct error *out_error)
{
    while (text.len > 0) {
        ssize_t sent = send(look->file, text.data, text.len, MSG_NOSIGNAL);
        if (sent <= 0) return gone(out_error);
        text = (struct str){ text.data + sent, text.len - (size_t)sent };
    }
    return STATUS_OK;
}

/* More bytes behind those that are there, which may move. */
static bool receive(struct memcached_look *look)
{
    if (look->at > 0) {
        memmove(look->bytes, look->bytes + look->at, look->end - look->at);
        look->end -= look->at;
        look->at = 0;
    }
    if (look->end == ROOM) return false;
    ssize_t got = recv(look->file, look->bytes + look->end, ROOM - look->end, 0);
    if (got <= 0) return false;
    look->end += (size_t)got;
    return true;
}

/* A line without its end: a view until the next call. */
static enum status line_take(struct memcached_look *look, struct str *out_line,
                             struct error *out_error)
{
    for (;;) {
        size_t len = look->end - look->at;
        uint8_t *end = len == 0 ? NULL : memchr(look->bytes + look->at, '\n', len);
        if (end != NULL) {
            size_t size = (size_t)(end - (look->bytes + look->at));
            *out_line = (struct str){ (const char *)look->bytes + look->at, size };
            look->at += size + 1;
            if (size > 0 && out_line->data[size - 1] == '\r') out_line->len--;
            return STATUS_OK;
        }
        if (len > LINE_SIZE_MAX) return garbled(out_error);
        if (!receive(look)) return gone(out_error);
    }
}

/* size bytes and a line's end; a view of them when they are not too many, "" otherwise. */
static enum status block_take(struct memcached_look *look, uint64_t size, struct str *out_block,
                              struct error *out_error)
{
    enum { END = 2 };
    bool whole = size <= MEMCACHED_VALUE_SIZE_MAX;
    uint64_t left = size + END;
    *out_block = STR("");
    while (!whole && left > 0) {
        uint64_t there = look->end - look->at;
        if (there > left) there = left;
        look->at += (size_t)there;
        left -= there;
        if (left > 0 && !receive(look)) return gone(out_error);
    }
    if (!whole) return STATUS_OK;
    while (look->end - look->at < left)
        if (!receive(look)) return gone(out_error);
    *out_block = (struct str){ (const char *)look->bytes + look->at, (size_t)size };
    look->at += (size_t)left;
    return memcmp(out_block->data + size, "\r\n", END) == 0 ? STATUS_OK : garbled(out_error);
}

/* Cuts the next word off the front. */
static struct str word_take(struct str *rest)
{
    while (rest->len > 0 && rest->data[0] == ' ')
        *rest = (struct str){ rest->data + 1, rest->len - 1 };
    struct str word = { rest->data, 0 };
    while (word.len < rest->len && rest->data[word.len] != ' ') word.len++;
    *rest = (struct str){ rest->data + word.len, rest->len - word.len };
    return word;
}

/* ---- what it says ---- */

enum status memcached_look_stats(struct memcached_look *look,
                                 void (*visit)(void *owner, struct str name, struct str value),
                                 void *owner, struct error *out_error)
{
    struct str line;
    enum status status = send_all(look, STR("stats\r\n"), out_error);
    while (status == STATUS_OK) {
        status = line_take(look, &line, out_error);
        if (status != STATUS_OK || str_equal(line, STR("END"))) break;
        if (!str_equal(word_take(&line), STR("STAT"))) return garbled(out_error);
        struct str name = word_take(&line);
        visit(owner, name, word_take(&line));
    }
    return status;
}

/* "t30", "c7": what meta get answers beside the size. */
static bool flags_read(struct str rest, struct memcached_value *value)
{
    struct str word;
    value->ttl_s = -1;
    while ((word = word_take(&rest)).len > 0) {
        struct str number = { word.data + 1, word.len - 1 };
        uint64_t found = 0;
        bool never = word.data[0] == 't' && str_equal(number, STR("-1"));
        bool asked = word.data[0] == 't' || word.data[0] == 'c';
        if (never || !asked) continue;
        if (decimal_parse(number, INT64_MAX, &found) != STATUS_OK) return false;
        if (word.data[0] == 't') value->ttl_s = (int64_t)found;
        if (word.data[0] == 'c') value->cas = found;
    }
    return true;
}

static bool key_valid(struct str key)
{
    if (key.len == 0 || key.len > MEMCACHED_KEY_LEN_MAX) return false;
    for (size_t i = 0; i < key.len; i++)
        if ((uint8_t)key.data[i] <= ' ' || key.data[i] == 0x7f) return false;
    return true;
}

enum status memcached_look_get(struct memcached_look *look, struct str key,
                               struct memcached_value *out_value, struct error *out_error)
{
    struct memcached_value value = { .whole = true };
    struct str line;
    uint64_t size = 0;
    if (!key_valid(key))
        return error_set(out_error, STATUS_INVALID,
                         "a key of Memcached has 1 to 250 bytes without blanks");
    BUF_SCOPE struct buf question;
    buf_init(&question, LINE_SIZE_MAX);
    buf_append_format(&question, "mg %.*s v t c\r\n", STR_ARG(key));
    enum status status = send_all(look, buf_view(&question), out_error);
    if (status == STATUS_OK) status = line_take(look, &line, out_error);
    if (status != STATUS_OK) return status;
    struct str answer = word_take(&line);
    if (str_equal(answer, STR("EN")))
        return error_set(out_error, STATUS_NOT_FOUND, "there is no such key");
    bool good = str_equal(answer, STR("VA")) &&
                decimal_parse(word_take(&line), UINT32_MAX, &size) == STATUS_OK &&
                flags_read(line, &value);
    if (!good) return garbled(out_error);
    value.whole = size <= MEMCACHED_VALUE_SIZE_MAX;
    status = block_take(look, size, &value.text, out_error);
    if (status == STATUS_OK) *out_value = value;
    return status;
}

/* "key=a%20b ...", escaped as in URLs. False: it is no such line. */
static bool key_read(struct str line, char *text, struct str *out_key)
{
    size_t len = 0;
    struct str word = word_take(&line);
    if (!str_starts(word, STR("key="))) return false;
    for (size_t i = 4; i < word.len && len < MEMCACHED_KEY_LEN_MAX; i++) {
        char byte = word.data[i];
        if (byte == '%') {
            if (i + 2 >= word.len) return false;
            if (hex_parse((struct str){ word.data + i + 1, 2 }, &byte, 1) != STATUS_OK)
                return false;
            i += 2;
        }
        text[len++] = byte;
    }
    *out_key = (struct str){ text, len };
    return true;
}

enum status memcached_look_keys(struct memcached_look *look,
                                bool (*visit)(void *owner, struct str key), void *owner,
                                struct error *out_error)
{
    char text[MEMCACHED_KEY_LEN_MAX];
    struct str line;
    struct str key;
    bool more = true;
    enum status status = send_all(look, STR("lru_crawler metadump all\r\n"), out_error);
    while (status == STATUS_OK) {
        status = line_take(look, &line, out_error);
        if (status != STATUS_OK || str_equal(line, STR("END"))) break;
        if (str_starts(line, STR("key="))) {
            if (!key_read(line, text, &key)) return garbled(out_error);
            more = more && visit(owner, key);
            continue;
        }
        status = error_set(out_error, STATUS_DENIED, "Memcached does not list its keys: %.*s",
                           STR_ARG(line));
        error_hint(out_error, "give them in a file: --keys-file");
    }
    return status;
}
