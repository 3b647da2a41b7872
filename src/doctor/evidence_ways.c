#include "doctor/evidence_ways.h"

#include <stddef.h>

#include "base/check.h"
#include "model/evidence.h"

const struct evidence_way evidence_ways[] = {
    { "--ours", "ledger_tx posting account hold psp_call audit", EVIDENCE_COST_COMMAND },
    { "--kafka BROKERS --topic NAME --dead-letters TOPIC", "message group_offset dead_letter",
      EVIDENCE_COST_COMMAND },
    { "--postgres URL", "config lock_wait replica relay", EVIDENCE_COST_COMMAND },
    { "--redis URL --keys PATTERN", "cache read", EVIDENCE_COST_COMMAND },
    { "--endpoint HOST:PORT", "cert handshake", EVIDENCE_COST_COMMAND },
    { "--postgres URL --postgres-slot NAME --postgres-publication NAME --wal-mapping FILE", "wal",
      EVIDENCE_COST_FILE },
    { "--log FILE --system NAME", "request log applied", EVIDENCE_COST_FILE },
    { "--traces FILE --system NAME", "span", EVIDENCE_COST_FILE },
    { "--webhooks FILE", "webhook", EVIDENCE_COST_FILE },
    { "--key-list FILE", "key_event key_use secret_hit", EVIDENCE_COST_FILE },
    { "--schedule FILE", "job lease deploy rate", EVIDENCE_COST_FILE },
    { "--statement FILE --mapping FILE --system PSP", "psp", EVIDENCE_COST_OTHERS },
    { NULL,
      "idem_key saga index_check migration outbox bank_line statement payout contract "
      "recon_match clock chain",
      EVIDENCE_COST_OTHERS },
    { NULL, NULL, EVIDENCE_COST_OTHERS },
};

const struct evidence_way *evidence_way_of(uint32_t kind)
{
    CHECK(kind < evidence_kind_count());
    const struct evidence_way *way = evidence_ways;
    while (way->kinds != NULL &&
           !evidence_has_word(way->kinds, ' ', str_from(evidence_kinds[kind].name)))
        way++;
    CHECK(way->kinds != NULL); /* a test looks at each kind */
    return way;
}

uint64_t evidence_way_kinds(const struct evidence_way *way)
{
    uint64_t kinds = 0;
    for (uint32_t kind = 0; kind < evidence_kind_count(); kind++)
        if (evidence_has_word(way->kinds, ' ', str_from(evidence_kinds[kind].name)))
            kinds |= UINT64_C(1) << kind;
    return kinds;
}
