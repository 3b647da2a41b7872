#!/usr/bin/env python3
"""Makes the dashboards beside it: make.py writes them, make.py --check fails when they differ.

A dashboard is a title and rows of panels; a panel is a title, a unit and its queries. Import the
JSON files, or provision them (docs/observability.md). The data source is asked for at import.
"""
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

# Needs: what must be there besides a server before a panel shows anything.
KAFKA, REPLICAS, POSTGRES, TLS, TRACING = "kafka", "replicas", "postgres", "tls", "tracing"
GROUPS = "kafka and --kafka-groups"

OVERVIEW = ("tpwallet-overview", "tpwallet: at a glance", [
    ("Is it well", [
        ("Accepts requests", "short", [("tpwallet_accepting", "{{instance}}/{{lane}}")], None),
        ("Oldest payment in doubt", "s",
         [('max by (lane) (tpwallet_payments_oldest_seconds{state="in_doubt"})', "lane {{lane}}")], None),
        ("Oldest payment that waits for a person", "s",
         [('max by (lane) (tpwallet_payments_oldest_seconds{state="manual"})', "lane {{lane}}")], None),
        ("Damaged, fenced, disk full, expiry paused", "short",
         [("tpwallet_damaged", "damaged {{instance}}/{{lane}}"),
          ("tpwallet_fenced", "fenced {{instance}}/{{lane}}"),
          ("tpwallet_disk_full", "disk full {{instance}}/{{lane}}"),
          ("tpwallet_expiry_paused", "expiry paused {{instance}}/{{lane}}")], None)]),
    ("Objectives", [
        ("Orders to PSPs without a decision", "percentunit",
         [("tpwallet:payment_errors:ratio_rate5m", "5 min"),
          ("tpwallet:payment_errors:ratio_rate1h", "1 h")], None),
        ("Requests answered with 5xx", "percentunit",
         [("tpwallet:request_errors:ratio_rate5m", "5 min"),
          ("tpwallet:request_errors:ratio_rate1h", "1 h")], None),
        ("Writes slower than 250 ms", "percentunit",
         [("tpwallet:latency_errors:ratio_rate5m", "5 min"),
          ("tpwallet:latency_errors:ratio_rate1h", "1 h")], None),
        ("Deliveries of webhooks that failed", "percentunit",
         [("tpwallet:webhook_errors:ratio_rate5m", "5 min"),
          ("tpwallet:webhook_errors:ratio_rate1h", "1 h")], None)]),
    ("Requests", [
        ("Requests per second", "reqps",
         [("sum by (operation) (rate(tpwallet_http_requests_total[5m]))", "{{operation}}")], None),
        ("By status", "reqps",
         [("sum by (status) (rate(tpwallet_http_requests_total[5m]))", "{{status}}")], None),
        ("Latency of writes", "s",
         [(f"histogram_quantile({q}, sum by (le) (rate(tpwallet_http_request_duration_seconds_bucket"
           '{operation=~"transfers_create|payments_.*"}[5m])))', f"p{int(float(q) * 100)}")
          for q in ("0.5", "0.95", "0.99")], None),
        ("In flight", "short", [("tpwallet_http_requests_in_flight", "{{instance}}/{{lane}}")], None)]),
])

PAYMENTS = ("tpwallet-payments", "tpwallet: payments", [
    ("Payments", [
        ("Open, by state", "short",  # a replica that follows a lane tells of it too
         [("sum by (state) (max by (lane, state) (tpwallet_payments_open))", "{{state}}")], None),
        ("Commands per second", "ops",
         [("sum by (cause, outcome) (rate(tpwallet_payment_commands_total[5m]))",
           "{{cause}} {{outcome}}")], None),
        ("Workers busy", "short", [("tpwallet_saga_busy", "{{instance}}/{{lane}}")], None),
        ("Put back, refused per second", "ops",
         [("sum(rate(tpwallet_saga_put_back_total[5m]))", "put back"),
          ("sum(rate(tpwallet_saga_refused_total[5m]))", "refused")], None)]),
    ("PSPs", [
        ("Answers per second", "ops",
         [("sum by (psp, answer) (rate(tpwallet_psp_calls_total[5m]))", "{{psp}} {{answer}}")], None),
        ("Time of a call", "s",
         [("sum by (psp) (rate(tpwallet_psp_call_seconds_total[5m])) / "
           "sum by (psp) (rate(tpwallet_psp_calls_total[5m]))", "{{psp}}")], None),
        ("Breakers that are open", "short",
         [('tpwallet_psp_breaker_state{state="open"}', "{{psp}}")], None),
        ("Success, as the routing sees it", "percentunit",
         [("tpwallet_psp_success_ratio", "{{psp}}")], None)]),
    ("Webhooks", [
        ("In, by what became of them", "ops",
         [("sum by (result) (rate(tpwallet_webhooks_received_total[5m]))", "{{result}}")], None),
        ("Turned away, by reason", "ops",
         [("sum by (reason) (rate(tpwallet_webhooks_rejected_total[5m]))", "{{reason}}")], None),
        ("Out, attempts", "ops",
         [("sum by (result) (rate(tpwallet_webhook_deliveries_total[5m]))", "{{result}}")], None),
        ("Endpoints, and those that disabled themselves", "short",
         [("max(tpwallet_webhook_endpoints)", "endpoints"),
          ("sum(tpwallet_webhook_endpoints_disabled_total)", "disabled")], None)]),
])

LEDGER = ("tpwallet-ledger", "tpwallet: ledger and log", [
    ("Journal", [
        ("Units per second", "ops",
         [("sum by (lane) (rate(tpwallet_units_total[5m]))", "lane {{lane}}")], None),
        ("Transfers, by outcome", "ops",
         [("sum by (outcome) (rate(tpwallet_transfers_total[5m])) > 0", "{{outcome}}")], None),
        ("Units in a batch", "short",
         [("rate(tpwallet_units_total[5m]) / rate(tpwallet_commits_total[5m])", "{{instance}}/{{lane}}")],
         None),
        ("Time of a commit", "s",
         [("sum by (lane) (rate(tpwallet_commit_seconds_total[5m])) / "
           "sum by (lane) (rate(tpwallet_commits_total[5m]))", "mean of lane {{lane}}"),
          ("tpwallet_commit_max_seconds", "longest {{instance}}/{{lane}}")], None)]),
    ("Memory and index", [
        ("Accounts, holds", "short",
         [("sum(max by (lane) (tpwallet_accounts))", "accounts"),
          ("sum(max by (lane) (tpwallet_holds))", "holds")], None),
        ("Waiting", "short",
         [("sum by (lane) (tpwallet_queue_requests)", "requests of lane {{lane}}"),
          ("sum by (lane) (tpwallet_queue_transfers)", "transfers of lane {{lane}}")], None),
        ("Index behind", "short", [("tpwallet_index_lag_batches", "{{instance}}/{{lane}}")], None),
        ("Bytes written", "Bps",
         [("sum(rate(tpwallet_journal_bytes_total[5m]))", "journal"),
          ("sum(rate(tpwallet_checkpoint_bytes_total[5m]))", "checkpoint")], None)]),
    ("The verifiable log", [
        ("Leaves not yet shown", "short",
         [("tpwallet_log_leaves - tpwallet_log_shown_leaves", "{{instance}}/{{lane}}")], None),
        ("Checkpoints per second", "ops",
         [("rate(tpwallet_log_checkpoints_total[5m])", "{{instance}}/{{lane}}")], None)]),
])

AROUND = ("tpwallet-around", "tpwallet: replicas, Kafka, observability", [
    ("Replicas", [
        ("Role: 2 owns the lane", "short", [("tpwallet_replica_role", "{{instance}}/{{lane}}")], REPLICAS),
        ("Lease left", "ms", [("tpwallet_lease_left_ms", "{{instance}}/{{lane}}")], REPLICAS),
        ("Behind", "short", [("tpwallet_replica_lag_batches", "{{instance}}/{{lane}}")], REPLICAS),
        ("Takeovers, losses", "short",
         [("increase(tpwallet_takeovers_total[1h])", "takeovers {{instance}}/{{lane}}"),
          ("increase(tpwallet_lease_losses_total[1h])", "losses {{instance}}/{{lane}}")], REPLICAS)]),
    ("Kafka", [
        ("Age of the outbox", "s", [("tpwallet_bus_outbox_age_seconds", "{{instance}}/{{lane}}")], KAFKA),
        ("Batches not yet published", "short",
         [("tpwallet_bus_lag_batches", "{{instance}}/{{lane}}")], KAFKA),
        ("Events per second", "ops", [("rate(tpwallet_bus_events_total[5m])", "{{instance}}/{{lane}}")], KAFKA),
        ("Failed calls", "ops", [("rate(tpwallet_bus_failures_total[5m])", "{{instance}}/{{lane}}")], KAFKA)]),
    ("Consumers of events", [
        ("Records not yet read", "short",
         [("tpwallet_bus_consumer_lag_records", "{{group}}")], GROUPS),
        ("How long the oldest has waited", "s",
         [("tpwallet_bus_consumer_lag_seconds", "{{group}}")], GROUPS),
        ("Deleted unread", "short", [("tpwallet_bus_consumer_lost_records", "{{group}}")], GROUPS),
        ("Age of the answer", "s",
         [("tpwallet_bus_consumer_answer_age_seconds", "{{group}}")], GROUPS)]),
    ("PostgreSQL", [
        ("SQL tables behind", "s", [("tpwallet_projection_lag_seconds", "{{instance}}/{{lane}}")], POSTGRES),
        ("Batches not yet in them", "short",
         [("tpwallet_projection_lag_batches", "{{instance}}/{{lane}}")], POSTGRES)]),
    ("Watching itself", [
        ("Spans", "ops",
         [("sum by (result) (rate(tpwallet_trace_spans_total[5m]))", "{{result}}")], TRACING),
        ("Incidents raised", "short", [("tpwallet_trace_raises", "{{instance}}")], TRACING),
        ("Log lines lost", "short", [("tpwallet_log_lines_lost_total", "{{instance}}")], None),
        ("Days until the certificate ends", "d",
         [("(tpwallet_certificate_end_timestamp_seconds - time()) / 86400", "{{instance}} {{use}}")], TLS)]),
])

DASHBOARDS = (OVERVIEW, PAYMENTS, LEDGER, AROUND)
SOURCE = {"type": "prometheus", "uid": "${DS_PROMETHEUS}"}
WIDTH, HEIGHT = 6, 8


def panel_of(number, x, y, panel):
    title, unit, queries, needs = panel
    made = {
        "id": number, "type": "timeseries", "title": title, "datasource": SOURCE,
        "gridPos": {"x": x, "y": y, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                    "tooltip": {"mode": "multi", "sort": "desc"}},
        "targets": [{"refId": chr(ord("A") + index), "datasource": SOURCE, "expr": expr,
                     "legendFormat": legend} for index, (expr, legend) in enumerate(queries)]}
    if needs:
        made["description"] = f"Empty without: {needs}."
    return made


def dashboard_of(uid, title, rows):
    panels, number, y = [], 1, 0
    for name, row in rows:
        panels.append({"id": number, "type": "row", "title": name, "collapsed": False, "panels": [],
                       "gridPos": {"x": 0, "y": y, "w": 24, "h": 1}})
        number, y = number + 1, y + 1
        for index, panel in enumerate(row):
            panels.append(panel_of(number, index * WIDTH, y, panel))
            number += 1
        y += HEIGHT
    return {
        "__inputs": [{"name": "DS_PROMETHEUS", "label": "Prometheus", "type": "datasource",
                      "pluginId": "prometheus", "pluginName": "Prometheus"}],
        "uid": uid, "title": title, "tags": ["tpwallet"], "schemaVersion": 39, "version": 1,
        "editable": True, "refresh": "30s", "time": {"from": "now-6h", "to": "now"},
        "timezone": "utc", "annotations": {"list": []}, "templating": {"list": []},
        "panels": panels}


def main():
    stale = []
    for uid, title, rows in DASHBOARDS:
        text = json.dumps(dashboard_of(uid, title, rows), indent=1) + "\n"
        path = os.path.join(HERE, uid + ".json")
        if "--check" in sys.argv:
            with open(path, encoding="ascii") as file:
                stale += [] if file.read() == text else [path]
        else:
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
    if stale:
        sys.exit(f"make.py: make these anew: {' '.join(stale)}")


if __name__ == "__main__":
    main()
