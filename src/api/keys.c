/* /v1/keys: API keys. A secret is made here, shown once, and only its digest goes on. */
#include "api/acts.h"
#include "api/admin_parse.h"
#include "api/lookup.h"
#include "base/check.h"
#include "base/hex.h"

enum { SECRET_BYTES = 32, SECRET_PREFIX_LEN = 4 };
_Static_assert(SECRET_PREFIX_LEN + 2 * SECRET_BYTES == SECRET_LEN, "\"tpw_\" and the digits");

static void secret_make(struct work *work)
{
    uint8_t bytes[SECRET_BYTES];
    entropy_fill(work->api->ports.entropy, bytes, sizeof bytes);
    memcpy(work->secret, "tpw_", SECRET_PREFIX_LEN);
    (void)hex_format(bytes, sizeof bytes, work->secret + SECRET_PREFIX_LEN); /* where is known */
    explicit_bzero(bytes, sizeof bytes);
    work->admin.credential.secret_digest = digest_of(work->secret, SECRET_LEN);
}

static enum api_progress create_start(struct work *work)
{
    if (!key_create_parse(work->call->body, &work->scratch, &work->admin, &work->problem))
        return API_READY;
    if (uuid_is_nil(work->request.key)) {
        (void)problem_raise(&work->problem, PROBLEM_IDEMPOTENCY_KEY_REQUIRED,
                            "so that a repeat does not make a second key");
        problem_field(&work->problem, "Idempotency-Key");
        return API_READY;
    }
    secret_make(work);
    return act_submit(work);
}

static void create_write(struct work *work)
{
    struct render render;
    if (!act_answer_begin(work, &render)) return;
    const struct credential *credential = &work->admin.credential;
    render_uuid(&render, STR("id"), work->admin_result.credential.value);
    render_name(&render, STR("name"), credential->name);
    render_bits(&render, STR("scopes"), credential->scopes, scope_name);
    /* For a repeat the secret made now opens nothing, and the old one is not known. */
    if (!work->admin_result.repeated)
        render_text(&render, STR("secret"), (struct str){ work->secret, SECRET_LEN });
    act_answer_end(work, &render);
}

HANDLER(ROUTE_KEYS_CREATE, keys_create) = { .start = create_start, .write = create_write };

static enum api_progress revoke_start(struct work *work)
{
    work->admin = (struct admin){ .kind = ADMIN_CREDENTIAL_REVOKE };
    work->admin.credential.id.value = work->id;
    return act_submit(work);
}

static void revoke_write(struct work *work)
{
    struct render render;
    if (!act_answer_begin(work, &render)) return;
    act_answer_end(work, &render);
    work->call->status = 200;
}

HANDLER(ROUTE_KEYS_REVOKE, keys_revoke) = { .start = revoke_start, .write = revoke_write };

static void key_write(struct render *render, const struct credential *credential)
{
    json_write_object_begin(&render->json);
    render_uuid(render, STR("id"), credential->id.value);
    render_name(render, STR("name"), credential->name);
    render_bits(render, STR("scopes"), credential->scopes, scope_name);
    render_bool(render, STR("revoked"), credential->revoked);
    render_time(render, STR("created_at"), credential->created_at);
    json_write_object_end(&render->json);
}

static void list_write(struct work *work)
{
    struct cursor cursor = cursor_begin(work, ROUTE_KEYS_LIST);
    uint32_t wanted = work->query.limit;
    if (!cursor_take(work, &cursor)) return;
    if (!work_reserve(work, (wanted + 1) * sizeof(struct credential) + 16)) return;
    struct credential *keys = arena_take_array(&work->bulk, wanted + 1, sizeof(struct credential));
    CHECK(keys != NULL);
    uint32_t from = cursor.place > CREDENTIALS_MAX ? CREDENTIALS_MAX : (uint32_t)cursor.place;
    uint64_t head = journal_head(work);
    uint32_t found = lane_credential_page(work->api->lane, from, keys, wanted + 1);
    bool more = found > wanted;
    uint32_t count = more ? wanted : found;
    struct render render;
    render_init(&render, &work->assets, &work->call->answer);
    json_write_object_begin(&render.json);
    json_write_key(&render.json, STR("items"));
    json_write_array_begin(&render.json);
    for (uint32_t i = 0; i < count; i++) key_write(&render, &keys[i]);
    cursor.place = from + count;
    list_end(&render, more ? &cursor : NULL, head);
}

HANDLER(ROUTE_KEYS_LIST, keys_list) = { .write = list_write };
