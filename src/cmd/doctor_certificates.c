/* Certificates of files and endpoints as evidence. */
#include <string.h>

#include "adapter/system_clock.h"
#include "adapter/tls_probe.h"
#include "cmd/doctor_collectors.h"

enum { PROBE_MS = 10000 };

static const char *role_of(const struct tls_probe *probe, uint32_t place)
{
    const struct tls_certificate *certificate = &probe->certificates[place];
    if (certificate->self_signed && (certificate->authority || place > 0)) return "root";
    return place == 0 && !certificate->authority ? "leaf" : "intermediate";
}

static void certificate_write(struct doctor_file *file, const struct tls_probe *probe,
                              uint32_t place, const char *endpoint)
{
    const struct tls_certificate *certificate = &probe->certificates[place];
    struct evidence_line line;
    evidence_begin(&line, &file->line, "cert", &file->masked);
    evidence_text(&line, "endpoint", str_from(endpoint));
    evidence_word(&line, "role", role_of(probe, place));
    evidence_text(&line, "subject", str_from(certificate->subject));
    evidence_time(&line, "not_before_ts", certificate->not_before);
    evidence_time(&line, "not_after_ts", certificate->not_after);
    evidence_bool(&line, "served", true);
    evidence_end(&line);
}

static void handshake_write(struct doctor_file *file, const struct tls_probe *probe,
                            const char *endpoint)
{
    struct clock *clock = system_clock();
    struct evidence_line line;
    evidence_begin(&line, &file->line, "handshake", &file->masked);
    evidence_time(&line, "ts", clock->wall(clock));
    evidence_text(&line, "endpoint", str_from(endpoint));
    evidence_word(&line, "result", probe->result);
    evidence_end(&line);
}

static enum status probe_write(struct doctor_bundle *bundle, const struct tls_probe *probe,
                               const char *endpoint, const char *const *kinds)
{
    const struct doctor_source source = {
        .name = "certificates",
        .system = "tls",
        .collector = "tls-probe",
        .order = "none",
        .clock = "collector",
        .authority = 30,
        .kinds = kinds,
        .loss = "none",
        .from = bundle->incident.to, /* it is what is, not what was */
        .to = bundle->incident.to,
    };
    struct doctor_file file;
    enum status status = doctor_file_begin(bundle, &source, &file);
    for (uint32_t i = 0; i < probe->count && status == STATUS_OK; i++) {
        certificate_write(&file, probe, i, endpoint);
        status = doctor_file_rows(&file, 1);
    }
    if (probe->result != NULL && status == STATUS_OK) {
        handshake_write(&file, probe, endpoint);
        status = doctor_file_rows(&file, 1);
    }
    return doctor_file_end(&file, status);
}

enum status doctor_collect_certificates(struct doctor_bundle *bundle,
                                        const struct invocation *invocation)
{
    const char *file = invocation_text(invocation, "certificates");
    static const char *const kinds[] = { "cert", NULL };
    struct tls_probe probe;
    enum status status = tls_probe_file(file, &probe, &bundle->error);
    return status == STATUS_OK ? probe_write(bundle, &probe, file, kinds) : status;
}

enum status doctor_collect_endpoint(struct doctor_bundle *bundle,
                                    const struct invocation *invocation)
{
    const char *endpoint = invocation_text(invocation, "endpoint");
    static const char *const kinds[] = { "cert", "handshake", NULL };
    struct tls_probe probe;
    enum status status = tls_probe_endpoint(endpoint, NULL, PROBE_MS, &probe, &bundle->error);
    return status == STATUS_OK ? probe_write(bundle, &probe, endpoint, kinds) : status;
}
