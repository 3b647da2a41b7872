#include "cmd/webhook_files.h"

#include <string.h>

#include "adapter/secret_file.h"
#include "base/check.h"
#include "cmd/file_bytes.h"

enum { TEXT_SIZE_MAX = 1 << 20, SECRETS_SIZE_MAX = 64 << 10, WORDS_MAX = 4 };

/* Takes the next line off the front, without its end; false at the end of the text. */
static bool line_next(struct str *rest, struct str *out_line)
{
    if (rest->len == 0) return false;
    const char *end = memchr(rest->data, '\n', rest->len);
    size_t len = end == NULL ? rest->len : (size_t)(end - rest->data);
    *out_line = (struct str){ rest->data, len };
    size_t used = end == NULL ? len : len + 1;
    *rest = (struct str){ rest->data + used, rest->len - used };
    if (len > 0 && out_line->data[len - 1] == '\r') out_line->len--;
    return true;
}

static uint32_t split(struct str line, struct str out_words[WORDS_MAX])
{
    uint32_t count = 0;
    size_t at = 0;
    while (at < line.len && count < WORDS_MAX) {
        size_t from = at;
        while (at < line.len && line.data[at] != ' ') at++;
        if (at > from) out_words[count++] = (struct str){ line.data + from, at - from };
        at++;
    }
    return count;
}

static enum status read_time(struct str text, struct wall_time *out_time)
{
    if (str_equal(text, STR("-"))) return STATUS_OK;
    return wall_time_parse(text, out_time);
}

static enum status read_secret(struct str line, uint8_t scheme, struct signing_key *out_key)
{
    struct str words[WORDS_MAX];
    uint32_t count = split(line, words);
    if (count < 2) return STATUS_INVALID;
    enum status status = scheme == WEBHOOK_STANDARD ? signing_key_parse(words[1], out_key)
                                                    : signing_key_plain(words[1], out_key);
    if (status != STATUS_OK) return STATUS_INVALID;
    signing_key_name(out_key, words[0]);
    if (count > 2) status = read_time(words[2], &out_key->not_before);
    if (status == STATUS_OK && count > 3) status = read_time(words[3], &out_key->not_after);
    return status;
}

/* Cuts what stands before a slash off the front. */
static struct str cut(struct str *rest)
{
    const char *at = rest->len == 0 ? NULL : memchr(rest->data, '/', rest->len);
    struct str part = { rest->data, at == NULL ? rest->len : (size_t)(at - rest->data) };
    size_t used = part.len + (at != NULL);
    *rest = (struct str){ rest->data + used, rest->len - used };
    return part;
}

enum status webhook_policy_read(struct str text, struct webhook_policy *out_policy,
                                struct error *out_error)
{
    struct str rest = text;
    struct webhook_policy policy = { .tolerance_s = WEBHOOK_TOLERANCE_S_DEFAULT };
    bool known = webhook_scheme_parse(cut(&rest), &policy.scheme);
    bool plain = known && policy.scheme == WEBHOOK_PLAIN;
    struct str header = cut(&rest);
    bool fits = header.len < sizeof policy.signature_header && rest.len < sizeof policy.prefix;
    if (!known || plain != (header.len > 0) || !fits) {
        enum status status =
            error_set(out_error, STATUS_INVALID, "'%.*s' is no scheme", STR_ARG(text));
        error_hint(out_error, "standard, stripe, or plain/HEADER[/PREFIX]");
        return status;
    }
    memcpy(policy.signature_header, header.data, header.len);
    memcpy(policy.prefix, rest.data, rest.len);
    *out_policy = policy;
    return STATUS_OK;
}

static enum status take_secrets(const char *path, struct str rest, uint8_t scheme,
                                struct webhook_secrets *secrets, struct error *out_error)
{
    struct str line;
    for (unsigned number = 1; line_next(&rest, &line); number++) {
        if (line.len == 0 || line.data[0] == '#') continue;
        bool room = secrets->count < SIGNING_KEYS_MAX;
        if (room && read_secret(line, scheme, &secrets->keys[secrets->count]) == STATUS_OK) {
            secrets->count++;
            continue;
        }
        (void)error_set(out_error, STATUS_INVALID, "%s:%u: this is no secret", path, number);
        error_hint(out_error, "a line is NAME SECRET [FROM [UNTIL]], up to %d of them",
                   SIGNING_KEYS_MAX);
        return STATUS_INVALID;
    }
    if (secrets->count > 0) return STATUS_OK;
    return error_set(out_error, STATUS_INVALID, "%s: there is no secret in it", path);
}

enum status webhook_secrets_read(const char *path, uint8_t scheme,
                                 struct webhook_secrets *out_secrets, struct error *out_error)
{
    memset(out_secrets, 0, sizeof *out_secrets);
    BUF_SCOPE struct buf text;
    size_t size = 0;
    buf_init(&text, SECRETS_SIZE_MAX + 1);
    char *room = buf_extend(&text, SECRETS_SIZE_MAX + 1);
    if (room == NULL) return error_set(out_error, STATUS_LIMIT, "no memory");
    enum status status = secret_file_read(path, room, SECRETS_SIZE_MAX + 1, &size, out_error);
    if (status == STATUS_OK && size > SECRETS_SIZE_MAX)
        status = error_set(out_error, STATUS_LIMIT, "%s is larger than %d bytes", path,
                           SECRETS_SIZE_MAX);
    if (status == STATUS_OK)
        status = take_secrets(path, (struct str){ room, size }, scheme, out_secrets, out_error);
    secret_wipe(room, SECRETS_SIZE_MAX + 1);
    return status;
}

void webhook_secrets_done(struct webhook_secrets *secrets)
{
    for (uint32_t i = 0; i < SIGNING_KEYS_MAX; i++) signing_key_done(&secrets->keys[i]);
}

static enum status read_headers(const char *path, struct webhook_files *files,
                                struct error *out_error)
{
    if (path == NULL) return error_set(out_error, STATUS_INVALID, "--headers is missing");
    enum status status = file_bytes_read(path, &files->headers_text, out_error);
    if (status != STATUS_OK) return status;
    struct str rest = buf_view(&files->headers_text);
    struct str line;
    for (unsigned number = 1; line_next(&rest, &line); number++) {
        if (line.len == 0) continue;
        const char *colon = memchr(line.data, ':', line.len);
        if (colon == NULL || files->header_count == WEBHOOK_HEADERS_MAX) {
            return error_set(out_error, STATUS_INVALID, "%s:%u: no header, or too many", path,
                             number);
        }
        struct str name = { line.data, (size_t)(colon - line.data) };
        struct str value = { colon + 1, line.len - name.len - 1 };
        while (value.len > 0 && *value.data == ' ') {
            value = (struct str){ value.data + 1, value.len - 1 };
        }
        files->headers[files->header_count++] = (struct webhook_header){ name, value };
    }
    return STATUS_OK;
}

static enum status copy_option(const struct invocation *invocation, const char *name, char *out,
                               size_t size, struct error *out_error)
{
    const char *text = invocation_text(invocation, name);
    size_t len = text == NULL ? 0 : strlen(text);
    if (len >= size) return error_set(out_error, STATUS_INVALID, "--%s is too long", name);
    if (len > 0) memcpy(out, text, len);
    out[len] = 0;
    return STATUS_OK;
}

static enum status read_policy(const struct invocation *invocation, struct webhook_policy *policy,
                               struct error *out_error)
{
    if (!webhook_scheme_parse(str_from(invocation_text(invocation, "scheme")), &policy->scheme)) {
        return error_set(out_error, STATUS_INVALID, "--scheme is standard, stripe or plain");
    }
    uint64_t tolerance_s = 0;
    policy->base64 = invocation_has(invocation, "base64");
    enum status status = invocation_number(
        invocation, "tolerance", (struct number_range){ 0, UINT32_MAX }, &tolerance_s, out_error);
    policy->tolerance_s = (uint32_t)tolerance_s;
    if (status == STATUS_OK) {
        status = copy_option(invocation, "header", policy->signature_header,
                             sizeof policy->signature_header, out_error);
    }
    if (status == STATUS_OK) {
        status = copy_option(invocation, "timestamp-header", policy->timestamp_header,
                             sizeof policy->timestamp_header, out_error);
    }
    if (status == STATUS_OK) {
        status =
            copy_option(invocation, "prefix", policy->prefix, sizeof policy->prefix, out_error);
    }
    if (status != STATUS_OK) return status;
    if (policy->scheme == WEBHOOK_PLAIN && *policy->signature_header == 0) {
        return error_set(out_error, STATUS_INVALID, "--scheme plain needs --header");
    }
    return STATUS_OK;
}

enum status webhook_files_read(const struct invocation *invocation, bool headers,
                               struct webhook_files *out_files, struct error *out_error)
{
    memset(out_files, 0, sizeof *out_files);
    buf_init(&out_files->headers_text, TEXT_SIZE_MAX);
    buf_init(&out_files->body, WEBHOOK_BODY_SIZE_MAX);
    buf_init(&out_files->scratch.message, WEBHOOK_SCRATCH_SIZE);
    buf_init(&out_files->scratch.form, WEBHOOK_SCRATCH_SIZE);
    enum status status = read_policy(invocation, &out_files->policy, out_error);
    const char *secrets = invocation_text(invocation, "secrets");
    if (status == STATUS_OK && secrets == NULL)
        status = error_set(out_error, STATUS_INVALID, "--secrets is missing");
    if (status == STATUS_OK) {
        status =
            webhook_secrets_read(secrets, out_files->policy.scheme, &out_files->secrets, out_error);
    }
    for (uint32_t i = 0; i < out_files->secrets.count; i++)
        out_files->list[i] = &out_files->secrets.keys[i];
    if (status == STATUS_OK && headers) {
        status = read_headers(invocation_text(invocation, "headers"), out_files, out_error);
    }
    if (status == STATUS_OK) {
        status = file_bytes_read(invocation->positionals[0], &out_files->body, out_error);
    }
    return status;
}

void webhook_files_done(struct webhook_files *files)
{
    webhook_secrets_done(&files->secrets);
    buf_free(&files->headers_text);
    buf_free(&files->body);
    buf_free(&files->scratch.message);
    buf_free(&files->scratch.form);
}
