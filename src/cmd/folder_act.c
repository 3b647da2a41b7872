#include "cmd/folder_act.h"

#include <unistd.h>

#include "cmd/host.h"
#include "wallet/act_record.h"

enum status folder_act_reason(const struct invocation *invocation, const char **out_reason,
                              struct error *out_error)
{
    const char *reason = invocation_text(invocation, "reason");
    *out_reason = reason;
    if (reason == NULL || reason_is_valid(str_from(reason))) return STATUS_OK;
    enum status status =
        error_set(out_error, STATUS_INVALID, "'--reason %s' is no code or ticket", reason);
    error_hint(out_error, "1 to 47 of A-Z a-z 0-9 . _ : # / -, a letter or digit first");
    return status;
}

enum status folder_act_record(const struct invocation *invocation, enum notice_kind kind,
                              struct error *out_error)
{
    struct act_done act = { .principal = principal_local(getuid()), .notice = { .kind = kind } };
    enum status status = folder_act_reason(invocation, &act.reason, out_error);
    if (status != STATUS_OK) return status;
    const struct host_options options = { .folder = invocation->data };
    struct host host;
    status = host_open(&options, &host, out_error);
    if (status != STATUS_OK) return status;
    status = act_record(host.lane, &act);
    host_close(&host);
    if (status == STATUS_OK) return STATUS_OK;
    return error_set(out_error, status, "the act cannot be written down in the journal");
}
