#include "adapter/postgres_url.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <string.h>

#include "base/check.h"
#include "base/str.h"

static bool has_password(const PQconninfoOption *parts)
{
    for (const PQconninfoOption *part = parts; part->keyword != NULL; part++) {
        bool secret =
            strcmp(part->keyword, "password") == 0 || strcmp(part->keyword, "sslpassword") == 0;
        if (secret && part->val != NULL) return true;
    }
    return false;
}

static void wipe_parts(PQconninfoOption *parts)
{
    for (PQconninfoOption *part = parts; part->keyword != NULL; part++) {
        if (part->val != NULL) explicit_bzero(part->val, strlen(part->val));
    }
    PQconninfoFree(parts);
}

enum status postgres_url_check(const char *url, struct error *out_error)
{
    struct str text = str_from(url);
    if (!str_starts(text, STR("postgres://")) && !str_starts(text, STR("postgresql://"))) {
        (void)error_set(out_error, STATUS_INVALID, "this is no URL of a PostgreSQL database");
        error_hint(out_error, "postgres://user@host:port/database");
        return STATUS_INVALID;
    }
    if (text.len >= POSTGRES_URL_SIZE)
        return error_set(out_error, STATUS_INVALID, "the database's URL is too long");
    char *message = NULL;
    PQconninfoOption *parts = PQconninfoParse(url, &message);
    if (parts == NULL) {
        PQfreemem(message); /* it repeats parts of the URL, which may be a password */
        (void)error_set(out_error, STATUS_INVALID, "the database's URL cannot be read");
        error_hint(out_error, "postgres://user@host:port/database?sslmode=verify-full");
        return STATUS_INVALID;
    }
    bool secret = has_password(parts);
    wipe_parts(parts);
    if (!secret) return STATUS_OK;
    (void)error_set(out_error, STATUS_INVALID, "a password does not belong in a URL");
    error_detail(out_error, "URLs are written down: in files, logs and lists of processes");
    error_hint(out_error, "put it into a file for PGPASSFILE (~/.pgpass), a service file, or use "
                          "a certificate");
    return STATUS_INVALID;
}

/* ---- hosts ---- */

static const char *value_of(const PQconninfoOption *parts, const char *keyword)
{
    for (const PQconninfoOption *part = parts; part->keyword != NULL; part++) {
        if (strcmp(part->keyword, keyword) == 0) return part->val == NULL ? "" : part->val;
    }
    return "";
}

static uint32_t list_count(const char *list)
{
    uint32_t count = 1;
    for (; *list != '\0'; list++) count += *list == ',';
    return count;
}

/* A list of one is for every host, and stays. */
static void list_turn(const char *list, uint32_t first, char out_list[POSTGRES_URL_SIZE])
{
    size_t len = strlen(list);
    CHECK(len < POSTGRES_URL_SIZE);
    const char *rest = list;
    for (uint32_t left = first % list_count(list); left > 0; left--) rest = strchr(rest, ',') + 1;
    size_t before = (size_t)(rest - list); /* with the comma */
    memcpy(out_list, rest, len - before);
    if (before > 0) out_list[len - before] = ',';
    if (before > 1) memcpy(out_list + len - before + 1, list, before - 1);
    out_list[len] = '\0';
}

void postgres_url_hosts(const char *url, uint32_t first, struct postgres_hosts *out_hosts)
{
    PQconninfoOption *parts = PQconninfoParse(url, NULL);
    CHECK(parts != NULL);
    const char *host = value_of(parts, "host");
    const char *hostaddr = value_of(parts, "hostaddr");
    list_turn(host, first, out_hosts->host);
    list_turn(hostaddr, first, out_hosts->hostaddr);
    list_turn(value_of(parts, "port"), first, out_hosts->port);
    out_hosts->count = list_count(hostaddr[0] == '\0' ? host : hostaddr);
    wipe_parts(parts);
}
