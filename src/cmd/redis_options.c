#include "cmd/redis_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "adapter/secret_file.h"

enum { PORT_DEFAULT = 6379, PORT_MAX = 65535, DATABASE_MAX = 1000 };

static bool number_take(const char *text, uint64_t max, uint64_t *out_number)
{
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' || number > max) return false;
    *out_number = number;
    return true;
}

/* redis://HOST[:PORT][/DATABASE]; cuts the copy of what stands behind the scheme. */
static bool place_parse(char *text, struct redis_place *out_place)
{
    uint64_t port = PORT_DEFAULT;
    uint64_t database = 0;
    char *slash = strchr(text, '/');
    if (slash != NULL) *slash = '\0';
    if (slash != NULL && slash[1] != '\0' && !number_take(slash + 1, DATABASE_MAX, &database))
        return false;
    char *colon = strrchr(text, ':');
    if (colon != NULL) *colon = '\0';
    if (colon != NULL && (!number_take(colon + 1, PORT_MAX, &port) || port == 0)) return false;
    size_t len = strlen(text);
    if (len == 0 || len >= REDIS_HOST_SIZE) return false;
    memcpy(out_place->host, text, len + 1);
    out_place->port = (uint16_t)port;
    out_place->database = (uint32_t)database;
    return true;
}

static enum status url_read(const char *url, struct redis_place *out_place, struct error *out_error)
{
    static const char scheme[] = "redis://";
    char copy[REDIS_HOST_SIZE + 32];
    if (strchr(url, '@') != NULL) {
        enum status status =
            error_set(out_error, STATUS_DENIED, "--redis: a password does not belong in the URL");
        error_hint(out_error, "--redis-password FILE, or TPWALLET_REDIS_PASSWORD");
        return status;
    }
    size_t len = strlen(url);
    bool fits =
        strncmp(url, scheme, sizeof scheme - 1) == 0 && len - (sizeof scheme - 1) < sizeof copy;
    if (fits) memcpy(copy, url + sizeof scheme - 1, len - (sizeof scheme - 1) + 1);
    if (fits && place_parse(copy, out_place)) return STATUS_OK;
    return error_set(out_error, STATUS_INVALID, "--redis: it is not redis://HOST:PORT/DATABASE");
}

static enum status password_file_read(const char *path, struct secret *out_password,
                                      struct error *out_error)
{
    char line[SECRET_SIZE_MAX + 2] = "";
    size_t size = 0;
    enum status status = secret_file_read(path, line, sizeof line - 1, &size, out_error);
    if (status != STATUS_OK) return status;
    size_t len = strcspn(line, "\r\n");
    if (len == 0 || secret_take(line, len, out_password) != STATUS_OK)
        status = error_set(out_error, STATUS_INVALID, "there is no password in '%s'", path);
    secret_wipe(line, sizeof line);
    return status;
}

/* Empty: there is none. */
static enum status password_read(const struct invocation *invocation, struct secret *out_password,
                                 struct error *out_error)
{
    const char *path = invocation_text(invocation, "redis-password");
    if (path != NULL) return password_file_read(path, out_password, out_error);
    char *given = getenv("TPWALLET_REDIS_PASSWORD");
    if (given == NULL || *given == '\0') return STATUS_OK;
    /* It is wiped there, too: children and their watchers need not see it. */
    if (secret_take(given, strlen(given), out_password) == STATUS_OK) return STATUS_OK;
    return error_set(out_error, STATUS_INVALID, "TPWALLET_REDIS_PASSWORD is too long");
}

enum status redis_options_read(const struct invocation *invocation, struct redis_place *out_place,
                               struct secret *out_password, struct error *out_error)
{
    enum status status = url_read(invocation_text(invocation, "redis"), out_place, out_error);
    out_place->user = invocation_text(invocation, "redis-user");
    return status == STATUS_OK ? password_read(invocation, out_password, out_error) : status;
}
