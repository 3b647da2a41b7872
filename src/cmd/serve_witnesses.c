#include "cmd/serve_witnesses.h"

#include <errno.h>
#include <stdio.h>

#include "adapter/curl_http.h"
#include "cmd/note_keys.h"

enum { FILE_SIZE_MAX = 64 << 10 };

struct reading {
    struct serve_witnesses *witnesses;
    uint32_t count;
    struct error *error;
};

static enum status witness_add(struct reading *reading, struct str key, struct str url)
{
    if (reading->count == LOG_WITNESSES_MAX) {
        return error_set(reading->error, STATUS_INVALID, "there are more than %d witnesses",
                         LOG_WITNESSES_MAX);
    }
    struct log_witness *witness = &reading->witnesses->witnesses[reading->count];
    while (url.len > 0 && url.data[url.len - 1] == '/') url.len--;
    bool web = str_starts(url, STR("http://")) || str_starts(url, STR("https://"));
    if (note_key_parse(key, &witness->key) != STATUS_OK || witness->key.kind != NOTE_COSIGNATURE) {
        enum status status = error_set(reading->error, STATUS_INVALID,
                                       "'%.*s' is not the public key of a witness", STR_ARG(key));
        error_hint(reading->error, "as `tpwallet log witness key` shows it: name+hash+base64");
        return status;
    }
    if (!web || url.len >= sizeof witness->url) {
        return error_set(reading->error, STATUS_INVALID,
                         "the witness %.*s has no URL with http:// or https://",
                         STR_ARG(note_key_name(&witness->key)));
    }
    memcpy(witness->url, url.data, url.len);
    witness->url[url.len] = '\0';
    for (uint32_t i = 0; i < reading->count; i++) {
        const struct note_key *other = &reading->witnesses->witnesses[i].key;
        if (!str_equal(note_key_name(other), note_key_name(&witness->key))) continue;
        return error_set(reading->error, STATUS_INVALID, "the witness %.*s is given twice",
                         STR_ARG(note_key_name(other)));
    }
    reading->count++;
    return STATUS_OK;
}

/* KEY=URL: a key's name may have an equals sign, a URL begins with its scheme. */
static enum status word_read(struct reading *reading, struct str word)
{
    for (size_t i = 0; i < word.len; i++) {
        struct str rest = { word.data + i, word.len - i };
        if (!str_starts(rest, STR("=http"))) continue;
        struct str url = { rest.data + 1, rest.len - 1 };
        return witness_add(reading, (struct str){ word.data, i }, url);
    }
    return error_set(reading->error, STATUS_INVALID, "--witness: '%.*s' is not KEY=URL",
                     STR_ARG(word));
}

/* Lines of KEY and URL with a blank between; empty ones and those with # in front are passed over. */
static enum status lines_read(struct reading *reading, const char *path)
{
    char text[FILE_SIZE_MAX];
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return error_set(reading->error, STATUS_NOT_FOUND, "cannot read '%s': %s", path,
                         strerror(errno));
    }
    size_t size = fread(text, 1, sizeof text, file);
    bool bad = ferror(file) != 0 || size == sizeof text;
    (void)fclose(file); /* only read */
    if (bad) return error_set(reading->error, STATUS_INVALID, "'%s' is too long", path);
    struct str rest = { text, size };
    struct str line;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && str_take_line(&rest, &line)) {
        if (line.len == 0 || line.data[0] == '#') continue;
        const char *blank = memchr(line.data, ' ', line.len);
        size_t len = blank == NULL ? line.len : (size_t)(blank - line.data);
        size_t url = len + (blank != NULL);
        status = witness_add(reading, (struct str){ line.data, len },
                             (struct str){ line.data + url, line.len - url });
    }
    if (status != STATUS_OK || rest.len == 0) return status;
    return error_set(reading->error, STATUS_INVALID, "the last line of '%s' does not end", path);
}

static enum status witnesses_read(const struct invocation *invocation, struct reading *reading)
{
    const char *words = invocation_text(invocation, "witness");
    const char *path = invocation_text(invocation, "witness-file");
    struct str rest = words == NULL ? STR("") : str_from(words);
    struct str word;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && note_keys_take_word(&rest, &word)) {
        status = word_read(reading, word);
    }
    if (status == STATUS_OK && path != NULL) status = lines_read(reading, path);
    return status;
}

enum status serve_witnesses_open(const struct invocation *invocation,
                                 struct serve_witnesses *out_witnesses, struct error *out_error)
{
    *out_witnesses = (struct serve_witnesses){ 0 };
    struct reading reading = { .witnesses = out_witnesses, .error = out_error };
    enum status status = witnesses_read(invocation, &reading);
    if (status != STATUS_OK) return status;
    bool quorum_given = invocation_has(invocation, "witness-quorum");
    if (reading.count == 0) {
        if (!quorum_given) return STATUS_OK;
        return error_set(out_error, STATUS_INVALID, "--witness-quorum wants witnesses: --witness");
    }
    if (invocation_has(invocation, "no-log")) {
        return error_set(out_error, STATUS_INVALID, "--no-log leaves witnesses nothing to see");
    }
    uint64_t quorum = reading.count / 2 + 1;
    const struct number_range range = { 1, reading.count };
    status = invocation_number(invocation, "witness-quorum", range, &quorum, out_error);
    if (status != STATUS_OK) return status;
    out_witnesses->options = (struct log_witnesses_options){
        .witnesses = out_witnesses->witnesses,
        .count = reading.count,
        .quorum = (uint32_t)quorum,
        .private_allowed = invocation_has(invocation, "witness-private"),
        .tasks = true,
    };
    const struct curl_http_options http = { 0 };
    return curl_http_open(&http, &out_witnesses->http, out_error);
}

void serve_witnesses_close(struct serve_witnesses *witnesses)
{
    if (witnesses->http != NULL) witnesses->http->close(witnesses->http);
    witnesses->http = NULL;
}
