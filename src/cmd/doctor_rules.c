#include "cmd/doctor_rules.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/file_bytes.h"
#include "doctor/rules_builtin.h"

enum { PATH_SIZE = 4096, FOLDER_FILES_MAX = 1024, NAME_SIZE = 128 };

static bool is_rule_file(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot != NULL && strlen(name) < NAME_SIZE &&
           (strcmp(dot, ".rule") == 0 || strcmp(dot, ".fixtures") == 0);
}

static int by_name(const void *left, const void *right)
{
    return strcmp(left, right);
}

static enum status read_one(const char *folder, const char *part, const char *name,
                            struct buf *out_text, struct error *out_error)
{
    char path[PATH_SIZE];
    int len = snprintf(path, sizeof path, "%s/%s/%s", folder, part, name);
    if (len < 0 || len >= (int)sizeof path) {
        return error_set(out_error, STATUS_INVALID, "%s: the path is too long", folder);
    }
    buf_append_format(out_text, "%%file %s/%s\n", part, name);
    enum status status = file_bytes_read(path, out_text, out_error);
    if (status == STATUS_OK && out_text->data[out_text->len - 1] != '\n') {
        buf_append_byte(out_text, '\n');
    }
    return status;
}

static enum status read_part(const char *folder, const char *part, struct buf *out_text,
                             struct error *out_error)
{
    static const size_t names_size = (size_t)FOLDER_FILES_MAX * NAME_SIZE;
    char path[PATH_SIZE];
    int len = snprintf(path, sizeof path, "%s/%s", folder, part);
    DIR *listing = len < 0 || len >= (int)sizeof path ? NULL : opendir(path);
    if (listing == NULL) {
        return error_set(out_error, STATUS_NOT_FOUND, "%s/%s: it cannot be opened", folder, part);
    }
    struct buf BUF_SCOPE names;
    buf_init(&names, names_size);
    for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
        if (!is_rule_file(entry->d_name)) continue;
        char *name = buf_extend(&names, NAME_SIZE);
        if (name == NULL) break;
        memset(name, 0, NAME_SIZE);
        memcpy(name, entry->d_name, strlen(entry->d_name));
    }
    (void)closedir(listing); /* only read */
    if (names.overflow) return error_set(out_error, STATUS_LIMIT, "%s: too many files", path);
    if (names.len > 0) qsort(names.data, names.len / NAME_SIZE, NAME_SIZE, by_name);
    enum status status = STATUS_OK;
    for (size_t at = 0; status == STATUS_OK && at < names.len; at += NAME_SIZE) {
        status = read_one(folder, part, (const char *)names.data + at, out_text, out_error);
    }
    return status;
}

static bool has_fault(const struct rule_set *set)
{
    for (uint32_t i = 0; i < set->rule_count; i++)
        if (set->rules[i].type == RULE_FAULT) return true;
    return false;
}

enum status doctor_rules_load(const char *folder, struct doctor_rules **out_rules,
                              struct error *out_error)
{
    struct doctor_rules *rules = NULL;
    struct buf BUF_SCOPE memory;
    buf_init(&memory, sizeof *rules);
    rules = buf_extend(&memory, sizeof *rules);
    if (rules == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for rules");
    memset(rules, 0, sizeof *rules);
    buf_init(&rules->text, RULE_TEXT_SIZE_MAX);
    enum status status = STATUS_OK;
    struct str text = rules_builtin();
    if (folder != NULL) {
        status = read_part(folder, "faults", &rules->text, out_error);
        if (status == STATUS_OK) status = read_part(folder, "invariants", &rules->text, out_error);
        text = buf_view(&rules->text);
    }
    if (status == STATUS_OK) status = rule_set_parse(text, &rules->set, out_error);
    if (status == STATUS_OK && !has_fault(&rules->set)) {
        status = error_set(out_error, STATUS_INVALID, "%s/faults: there is no fault", folder);
        error_hint(out_error, "a fault is a file like B03.rule, with its cases in B03.fixtures");
    }
    if (status != STATUS_OK) {
        buf_free(&rules->text);
        return status;
    }
    memory = (struct buf){ 0 }; /* the caller's now */
    *out_rules = rules;
    return STATUS_OK;
}

void doctor_rules_free(struct doctor_rules *rules)
{
    if (rules == NULL) return;
    buf_free(&rules->text);
    struct buf memory = { .data = (uint8_t *)rules };
    buf_free(&memory);
}
