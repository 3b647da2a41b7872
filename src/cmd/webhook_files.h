/* webhook_files.h - secrets, headers and body of a webhook, read from files for a look by hand. */
#ifndef CMD_WEBHOOK_FILES_H
#define CMD_WEBHOOK_FILES_H

#include "base/error.h"
#include "cmd/invocation.h"
#include "webhook/signature.h"

/* Stand where they were read: keys are never copied. */
struct webhook_secrets {
    struct signing_key keys[SIGNING_KEYS_MAX];
    uint32_t count;
};

/* standard, stripe, or plain/HEADER[/PREFIX], with the usual tolerance. STATUS_INVALID. */
enum status webhook_policy_read(struct str text, struct webhook_policy *out_policy,
                                struct error *out_error) MUST_CHECK;

/*
 * As webhook_files_read() says of a secrets' file; scheme: enum webhook_scheme. STATUS_DENIED: others
 * than its owner may read it.
 */
enum status webhook_secrets_read(const char *path, uint8_t scheme,
                                 struct webhook_secrets *out_secrets, struct error *out_error)
    MUST_CHECK;
/* Also after a failure. Accepts a zeroed struct. */
void webhook_secrets_done(struct webhook_secrets *secrets);

/* Everything stays where it is until webhook_files_done(), since messages are views into it. */
struct webhook_files {
    struct webhook_policy policy;
    struct webhook_secrets secrets;
    struct signing_key *list[SIGNING_KEYS_MAX];
    struct webhook_header headers[WEBHOOK_HEADERS_MAX];
    uint32_t header_count;
    struct webhook_scratch scratch;
    struct buf headers_text;
    struct buf body;
};

/*
 * Of the options --scheme, --tolerance, --header, --prefix, --timestamp-header, --base64,
 * --secrets, and, when declared and given, --headers; the body is the first positional. A line
 * of the secrets' file: NAME SECRET [FROM [UNTIL]], times in RFC 3339 or "-". A line of the
 * headers' file: "Name: value". STATUS_INVALID names file and line, never what is secret.
 * STATUS_DENIED: others than its owner may read the secrets.
 */
enum status webhook_files_read(const struct invocation *invocation, bool headers,
                               struct webhook_files *out_files, struct error *out_error) MUST_CHECK;
/* Also after a failure. */
void webhook_files_done(struct webhook_files *files);

#endif
