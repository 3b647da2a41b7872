/* A walk over the table: two dozen short templates, compared until they differ. */
#include "api/router.h"

#include "base/check.h"

#define ROUTE_ROW(operation_, name_, number_, method_, path_, scope_, body_, parameters_, media_)  \
    { .operation = #operation_,                                                                    \
      .number = number_,                                                                           \
      .method = method_,                                                                           \
      .path = { path_, sizeof(path_) - 1 },                                                        \
      .scope = scope_,                                                                             \
      .body_max = body_,                                                                           \
      .parameters = parameters_,                                                                   \
      .media = media_,                                                                             \
      .handler = &handler_##operation_ },
static const struct route routes[] = { ROUTE_TABLE(ROUTE_ROW) };
#undef ROUTE_ROW

enum { ROUTE_COUNT = sizeof routes / sizeof routes[0] };

#define BODY_FITS(operation_, name_, number_, method_, path_, scope_, body_, parameters_, media_)  \
    _Static_assert(body_ <= REQUEST_BODY_SIZE_MAX, "base/limits.h bounds every body");
ROUTE_TABLE(BODY_FITS)
#undef BODY_FITS
_Static_assert(DOCUMENTED_TRANSFERS_MAX == REQUEST_TRANSFERS_MAX, "as documented");
_Static_assert(DOCUMENTED_TRANSFERS_MAX == REQUEST_ACCOUNTS_MAX, "as documented");
_Static_assert(DOCUMENTED_PAGE_MAX == PAGE_ITEMS_MAX, "as documented");
_Static_assert(DOCUMENTED_PAGE_DEFAULT == PAGE_ITEMS_DEFAULT, "as documented");

/* Whether path fits the template; a {parameter} takes one segment that is not empty, {path} all. */
static bool path_fits(struct str template, struct str path, struct str *out_parameter)
{
    size_t at = 0;
    size_t in = 0;
    while (at < template.len && in < path.len) {
        if (template.data[at] != '{') {
            if (template.data[at++] != path.data[in++]) return false;
            continue;
        }
        size_t name = at;
        while (template.data[at] != '}') at++;
        at++;
        bool all = str_equal((struct str){ template.data + name, at - name }, STR("{path}"));
        size_t start = in;
        while (in < path.len && (all || path.data[in] != '/')) in++;
        if (in == start) return false;
        *out_parameter = (struct str){ path.data + start, in - start };
    }
    return at == template.len && in == path.len;
}

static bool is_named(struct str template)
{
    const struct str name = STR("{name}");
    for (size_t at = 0; at + name.len <= template.len; at++) {
        if (str_equal((struct str){ template.data + at, name.len }, name)) return true;
    }
    return false;
}

struct route_match router_match(enum api_method method, struct str path)
{
    struct route_match match = { 0 };
    if (method == API_HEAD) method = API_GET;
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        struct str parameter = { NULL, 0 };
        if (!path_fits(routes[i].path, path, &parameter)) continue;
        match.methods |= 1U << routes[i].method;
        if (routes[i].method != method) continue;
        match.route = &routes[i];
        match.parameter = parameter;
        match.named = parameter.len > 0 && is_named(routes[i].path);
        return match;
    }
    return match;
}

const struct route *router_route(uint32_t number)
{
    for (uint32_t i = 0; i < ROUTE_COUNT; i++) {
        if (routes[i].number == number) return &routes[i];
    }
    return NULL;
}

const struct route *router_table(uint32_t *out_count)
{
    CHECK(out_count != NULL);
    *out_count = ROUTE_COUNT;
    return routes;
}

size_t api_body_size_max(enum api_method method, struct str path)
{
    struct route_match match = router_match(method, path);
    return match.route == NULL ? 0 : match.route->body_max;
}

struct media_row {
    uint32_t media;
    struct str text;
};

#define MEDIA_ROW(name, bit, words) { bit, { words, sizeof(words) - 1 } },
static const struct media_row media_rows[] = { MEDIA_TABLE(MEDIA_ROW) };
#undef MEDIA_ROW

enum { MEDIA_COUNT = sizeof media_rows / sizeof media_rows[0] };

uint32_t media_parse(struct str content_type)
{
    size_t len = 0;
    while (len < content_type.len && content_type.data[len] != ';') len++;
    while (len > 0 && (content_type.data[len - 1] == ' ' || content_type.data[len - 1] == '\t')) {
        len--;
    }
    for (size_t i = 0; i < MEDIA_COUNT; i++) {
        if (str_equal_caseless((struct str){ content_type.data, len }, media_rows[i].text))
            return media_rows[i].media;
    }
    return 0;
}

struct str media_text(uint32_t media)
{
    for (size_t i = 0; i < MEDIA_COUNT; i++) {
        if (media_rows[i].media == media) return media_rows[i].text;
    }
    return (struct str){ NULL, 0 };
}

const char *method_name(enum api_method method)
{
    switch (method) {
    case API_GET: return "GET";
    case API_POST: return "POST";
    case API_PATCH: return "PATCH";
    case API_PUT: return "PUT";
    case API_DELETE: return "DELETE";
    case API_HEAD: return "HEAD";
    case API_OTHER: return "OTHER";
    }
    return "OTHER";
}
