/* Secrets are read before the ledger is opened, so that a wrong file costs no recovery. */
#include "cmd/serve_webhooks.h"

#include <stdio.h>
#include <string.h>

#include "adapter/curl_http.h"
#include "adapter/data_folder.h"
#include "adapter/postgres_endpoint_store.h"
#include "adapter/postgres_inbox.h"
#include "adapter/postgres_relay_store.h"
#include "adapter/sqlite_endpoint_store.h"
#include "adapter/sqlite_inbox.h"
#include "adapter/sqlite_relay_store.h"
#include "api/router.h"
#include "base/check.h"
#include "base/reserve.h"
#include "cmd/webhook_files.h"
#include "wallet/journal_feed.h"

enum { PATH_SIZE = 4096, ATTEMPTS_MAX = 100 };

/* ---- Options ---- */

static enum status text_copy(struct str text, char *out_text, size_t size, struct error *out_error)
{
    if (text.len >= size) {
        return error_set(out_error, STATUS_INVALID, "--webhook-in: '%.*s' is too long",
                         STR_ARG(text));
    }
    memcpy(out_text, text.data, text.len);
    out_text[text.len] = '\0';
    return STATUS_OK;
}

/* What stands before the mark; the rest moves behind it. Without one it is all of it. */
static struct str cut(struct str *rest, char mark)
{
    const char *at = memchr(rest->data, mark, rest->len);
    size_t len = at == NULL ? rest->len : (size_t)(at - rest->data);
    struct str part = { rest->data, len };
    size_t used = at == NULL ? len : len + 1;
    *rest = (struct str){ rest->data + used, rest->len - used };
    return part;
}

static enum status secrets_read(struct str path, struct webhook_sender *sender,
                                struct error *out_error)
{
    char text[PATH_SIZE];
    enum status status = text_copy(path, text, sizeof text, out_error);
    if (status != STATUS_OK) return status;
    struct webhook_secrets secrets;
    status = webhook_secrets_read(text, sender->policy.scheme, &secrets, out_error);
    for (uint32_t i = 0; status == STATUS_OK && i < secrets.count; i++) {
        sender->keys[i] = secrets.keys[i]; /* wiped with its sender */
        sender->key_count++;
    }
    webhook_secrets_done(&secrets);
    return status;
}

static bool is_psp(const struct serve_payments *payments, struct str name)
{
    for (uint32_t i = 0; i < payments->set.count; i++) {
        if (str_equal(name, str_from(payments->psps[i]->traits.name))) return true;
    }
    return false;
}

static bool is_sender(const struct serve_webhooks *webhooks, struct str name)
{
    for (uint32_t i = 0; i < webhooks->sender_count; i++) {
        if (str_equal(name, str_from(webhooks->senders[i].name))) return true;
    }
    return false;
}

/* One NAME=SCHEME:FILE. */
static enum status sender_read(struct str word, const struct serve_payments *payments,
                               struct serve_webhooks *webhooks, struct error *out_error)
{
    struct str path = word;
    struct str name = cut(&path, '=');
    struct str scheme = cut(&path, ':');
    if (name.len == 0 || scheme.len == 0 || path.len == 0) {
        return error_set(out_error, STATUS_INVALID, "--webhook-in: '%.*s' is not NAME=SCHEME:FILE",
                         STR_ARG(word));
    }
    if (!is_psp(payments, name)) {
        return error_set(out_error, STATUS_INVALID, "--webhook-in: '%.*s' is no PSP of --psp",
                         STR_ARG(name));
    }
    if (is_sender(webhooks, name)) {
        return error_set(out_error, STATUS_INVALID, "--webhook-in: '%.*s' is given twice",
                         STR_ARG(name));
    }
    CHECK(webhooks->sender_count < WEBHOOK_SENDERS_MAX); /* there are as many PSPs at most */
    struct webhook_sender *sender = &webhooks->senders[webhooks->sender_count++];
    enum status status = text_copy(name, sender->name, sizeof sender->name, out_error);
    sender->event_read = event_reader_of(name);
    if (status == STATUS_OK) status = webhook_policy_read(scheme, &sender->policy, out_error);
    if (status == STATUS_OK) status = secrets_read(path, sender, out_error);
    return status;
}
_Static_assert((int)PSP_SET_MAX <= (int)WEBHOOK_SENDERS_MAX, "every PSP may send");

enum status serve_webhooks_new(const struct invocation *invocation,
                               const struct serve_payments *payments,
                               struct serve_webhooks **out_webhooks, struct error *out_error)
{
    struct serve_webhooks *webhooks = reserve_new(sizeof *webhooks);
    if (webhooks == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for webhooks");
    webhooks->private_allowed = invocation_has(invocation, "webhook-private");
    uint64_t attempts = 0;
    enum status status =
        invocation_number(invocation, "webhook-attempts", (struct number_range){ 1, ATTEMPTS_MAX },
                          &attempts, out_error);
    webhooks->attempts_max = (uint32_t)attempts;
    const char *list = invocation_text(invocation, "webhook-in");
    struct str rest = list == NULL ? STR("") : str_from(list);
    while (status == STATUS_OK && rest.len > 0) {
        struct str word = cut(&rest, ',');
        status = sender_read(word, payments, webhooks, out_error);
    }
    if (status != STATUS_OK) {
        serve_webhooks_free(webhooks);
        return status;
    }
    *out_webhooks = webhooks;
    return STATUS_OK;
}

void serve_webhooks_free(struct serve_webhooks *webhooks)
{
    if (webhooks == NULL) return;
    for (uint32_t i = 0; i < webhooks->sender_count; i++) {
        for (uint32_t at = 0; at < webhooks->senders[i].key_count; at++) {
            signing_key_done(&webhooks->senders[i].keys[at]);
        }
    }
    reserve_free(webhooks, sizeof *webhooks);
}

/* ---- Running ---- */

/* Who has claimed the lane: this process, which opened it. */
static struct postgres_owner owner_of(const struct data_folder *folder, struct lane *lane)
{
    struct lane_status status;
    lane_get_status(lane, &status);
    return (struct postgres_owner){ data_folder_lane(folder), status.head.epoch };
}

/* Beside the journal: in its folder, or in its database. */
static enum status inbox_open(struct serve_webhooks *webhooks, const struct data_folder *folder,
                              struct lane *lane, struct error *out_error)
{
    const struct postgres_inbox_options database = { .url = data_folder_store(folder),
                                                     .owner = owner_of(folder, lane) };
    const struct sqlite_inbox_options local = { .folder = data_folder_path(folder) };
    if (database.url != NULL) return postgres_inbox_open(&database, &webhooks->inbox, out_error);
    return sqlite_inbox_open(&local, &webhooks->inbox, out_error);
}

static enum status in_start(struct serve_webhooks *webhooks, const struct data_folder *folder,
                            struct lane *lane, const struct lane_ports *ports,
                            struct error *out_error)
{
    if (webhooks->sender_count == 0) return STATUS_OK;
    enum status status = inbox_open(webhooks, folder, lane, out_error);
    if (status != STATUS_OK) return status;
    const struct webhook_in_options in = {
        .lane = lane,
        .ports = *ports,
        .inbox = webhooks->inbox,
        .route = ROUTE_WEBHOOKS_RECEIVE,
        .senders = webhooks->senders,
        .sender_count = webhooks->sender_count,
    };
    return webhook_in_open(&in, &webhooks->in, out_error);
}

static enum status shared_open(struct serve_webhooks *webhooks, const char *url,
                               struct postgres_owner owner, struct error *out_error)
{
    /* Lane 0's rows, only read, where they are newest: on the server that takes writes. */
    const struct postgres_owner reader = { .lane = 0, .epoch = owner.epoch };
    enum status status =
        postgres_endpoint_store_open(url, owner, &webhooks->endpoint_store, out_error);
    if (status == STATUS_OK && owner.lane != 0)
        status = postgres_endpoint_store_open(url, reader, &webhooks->followed, out_error);
    if (status != STATUS_OK) return status;
    return postgres_relay_store_open(url, owner, &webhooks->relay_store, out_error);
}

static enum status local_open(struct serve_webhooks *webhooks, const char *folder, struct log *log,
                              struct error *out_error)
{
    const struct sqlite_endpoint_store_options endpoints = { .folder = folder };
    enum status status =
        sqlite_endpoint_store_open(&endpoints, &webhooks->endpoint_store, out_error);
    if (status != STATUS_OK) return status;
    const struct sqlite_relay_store_options relay = { .folder = folder };
    bool begun_anew = false;
    status = sqlite_relay_store_open(&relay, &webhooks->relay_store, &begun_anew, out_error);
    if (status == STATUS_OK && begun_anew) {
        log_write(log, (struct log_line){
                           .level = LOG_ERROR,
                           .event = STR("webhook.relay_begun_anew"),
                           .message = STR("relay.db was damaged and is set aside: webhooks are "
                                          "delivered again, under their numbers"),
                       });
    }
    return status;
}

static enum status stores_open(struct serve_webhooks *webhooks, const struct data_folder *folder,
                               struct lane *lane, struct log *log, struct error *out_error)
{
    const struct curl_http_options http = { .cover = webhooks->cover };
    const char *url = data_folder_store(folder);
    enum status status = curl_http_open(&http, &webhooks->http, out_error);
    if (status != STATUS_OK) return status;
    if (url != NULL) return shared_open(webhooks, url, owner_of(folder, lane), out_error);
    return local_open(webhooks, data_folder_path(folder), log, out_error);
}

enum status serve_webhooks_start(struct serve_webhooks *webhooks, const struct data_folder *folder,
                                 struct lane *lane, const struct lane_ports *ports,
                                 struct error *out_error)
{
    enum status status = stores_open(webhooks, folder, lane, ports->log, out_error);
    if (status != STATUS_OK) return status;
    int length = snprintf(webhooks->source, sizeof webhooks->source, "/tpwallet/%u",
                          data_folder_lane(folder)); /* as the API's */
    CHECK(length > 0 && (size_t)length < sizeof webhooks->source);
    struct endpoint_store *followed = webhooks->followed;
    if (data_folder_lane(folder) != 0 && followed == NULL)
        followed = webhooks->first->endpoint_store;
    status = journal_feed_new(lane, ports->store, ports->sync, webhooks->source, &webhooks->feed);
    if (status != STATUS_OK) return error_set(out_error, status, "no memory for the events");
    const struct webhook_desk_options desk = {
        .ports = *ports,
        .lane = lane,
        .http = webhooks->http,
        .feed = journal_feed_port(webhooks->feed),
        .relay_store = webhooks->relay_store,
        .endpoint_store = webhooks->endpoint_store,
        .followed = followed,
        .private_allowed = webhooks->private_allowed,
        .attempts_max = webhooks->attempts_max,
    };
    status = webhook_desk_open(&desk, &webhooks->desk, out_error);
    if (status == STATUS_OK) status = in_start(webhooks, folder, lane, ports, out_error);
    return status;
}

void serve_webhooks_stop(struct serve_webhooks *webhooks)
{
    webhook_in_close(webhooks->in);
    webhook_desk_close(webhooks->desk);
    journal_feed_free(webhooks->feed);
    if (webhooks->inbox != NULL) webhooks->inbox->close(webhooks->inbox);
    if (webhooks->relay_store != NULL) webhooks->relay_store->close(webhooks->relay_store);
    if (webhooks->endpoint_store != NULL) webhooks->endpoint_store->close(webhooks->endpoint_store);
    if (webhooks->followed != NULL) webhooks->followed->close(webhooks->followed);
    if (webhooks->http != NULL) webhooks->http->close(webhooks->http);
    webhooks->in = NULL;
    webhooks->desk = NULL;
    webhooks->feed = NULL;
    webhooks->inbox = NULL;
    webhooks->relay_store = NULL;
    webhooks->endpoint_store = NULL;
    webhooks->followed = NULL;
    webhooks->http = NULL;
}
