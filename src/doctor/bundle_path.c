#include "doctor/bundle_path.h"

const char *const bundle_folders[] = {
    "evidence", "plan", "approvals", "findings", "report", NULL,
};

bool bundle_path_is_inside(struct str path)
{
    if (path.len == 0 || path.len > BUNDLE_PATH_LEN_MAX) return false;
    for (size_t at = 0; at <= path.len;) {
        const char *slash = at == path.len ? NULL : memchr(path.data + at, '/', path.len - at);
        size_t len = (slash == NULL ? path.len : (size_t)(slash - path.data)) - at;
        struct str step = { path.data + at, len };
        if (len == 0 || str_equal(step, STR("..")) || str_equal(step, STR("."))) return false;
        at += len + 1;
    }
    return memchr(path.data, '\0', path.len) == NULL;
}

bool bundle_path_is_kept(struct str path)
{
    if (!bundle_path_is_inside(path)) return false;
    const char *slash = memchr(path.data, '/', path.len);
    if (slash == NULL)
        return !str_equal(path, STR(BUNDLE_CUSTODY_FILE)) &&
               !str_equal(path, STR(BUNDLE_UNFINISHED_FILE));
    struct str folder = { path.data, (size_t)(slash - path.data) };
    struct str name = { slash + 1, path.len - folder.len - 1 };
    if (memchr(name.data, '/', name.len) != NULL) return false;
    for (const char *const *known = bundle_folders; *known != NULL; known++)
        if (str_equal(folder, str_from(*known))) return true;
    return false;
}
