package mapping_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/source"
	"sever/source/mapping"
)

func attribute(value string) mapping.Person {
	return mapping.Person{Kind: "attribute", Attribute: "vendorId", Value: value}
}

// The public samples, each through a configuration as a user would write it. want is the
// person, "" for nobody, and reason why a sample is no alert.
func TestSharedSamples(t *testing.T) {
	t.Parallel()
	splunk := mapping.Config{Type: "search_name", Kind: "alert", ID: "sid", Person: mapping.Person{Kind: "login", Value: "result.user"}}
	guardDuty := mapping.Config{
		Type: "detail.type", Kind: "alert", Severity: `=item.detail.severity >= 7.0 ? "high" : "medium"`, Time: "time", ID: "detail.id",
		Person: mapping.Person{Kind: "login", Value: "detail.resource.accessKeyDetails.principalId", Extract: "^[^:]+:(.+)$"},
		Ignore: []mapping.Ignore{{When: `item.detail.service.additionalInfo.sample == true`, Reason: "sample"}},
	}
	workOS := mapping.Config{
		Type: "event", Kinds: map[string]string{"dsync.user.deleted": "account_disabled"}, ID: "id", Time: "created_at",
		Person: mapping.Person{Kind: "okta_id", Value: "data.idp_id"},
	}
	created := workOS
	created.Kinds = map[string]string{"dsync.user.created": "alert"}
	for _, tt := range []struct {
		file, replace, with string
		config              mapping.Config
		want                []string
		reason              string
	}{
		{"splunk_alert_webhook_docs.json", "", "", splunk, []string{""}, ""}, // never the owner, admin
		{"splunk_alert_webhook_docs.json", `"count"`, `"user":["ada"],"count"`, splunk, []string{"ada"}, ""},
		{"guardduty_eventbridge_iamuser.json", "", "", guardDuty, nil, "sample"},
		{"guardduty_eventbridge_iamuser.json", `"sample": true`, `"sample": false`, guardDuty, []string{""}, ""}, // an IAM user
		{"guardduty_eventbridge_iamuser.json", "", "", withoutIgnore(guardDuty), []string{""}, ""},
		{"bamboohr_event_based_docs.json", "", "", mapping.Config{
			Type: "type", Kinds: map[string]string{"employee.deleted": "termination"}, Person: attribute("data.employeeId"),
		}, nil, "unknown_type"},
		{"bamboohr_event_based_docs.json", "employee.updated", "employee.deleted", mapping.Config{
			Type: "type", Kinds: map[string]string{"employee.deleted": "termination"}, Time: "timestamp", Person: attribute("data.employeeId"),
		}, []string{"67890"}, ""},
		{"bamboohr_field_based_docs.json", "", "", mapping.Config{
			Each: "employees", Type: "action", Kinds: map[string]string{"Updated": "termination"}, Person: attribute("id"),
			Ignore: []mapping.Ignore{{When: `!has(item.fields.Status)`, Reason: "other"}},
		}, nil, "other"},
		{"gusto_employee_termination_cancelled.json", "", "", mapping.Config{
			Type: "event_type", Kinds: map[string]string{"employee.termination_cancelled": "withdrawal"}, Time: "timestamp", ID: "uuid", Person: attribute("entity_uuid"),
		}, []string{"bcfc9744-0ab3-4ef3-ab0d-e728255d659c"}, ""},
		{"gusto_verification_token.json", "", "", mapping.Config{
			Type: "event_type", Kinds: map[string]string{"employee.termination_effective": "termination"}, Person: attribute("entity_uuid"),
		}, nil, "unknown_type"},
		{"hibob_v2_employee_updated_docs.json", "", "", mapping.Config{
			Type: "type", Kinds: map[string]string{"employee.left": "termination"}, Person: attribute("data.employeeId"),
		}, nil, "unknown_type"},
		{"hibob_v2_employee_updated_docs.json", "employee.updated", "employee.left", mapping.Config{
			Type: "type", Kinds: map[string]string{"employee.left": "termination"}, Time: "triggeredAt", Person: attribute("data.employeeId"),
		}, []string{"…"}, ""},
		{"merge_linked_account_synced_partial.json", "", "", mapping.Config{
			Type: "hook.event", Kinds: map[string]string{"Employee.changed": "termination"}, Person: mapping.Person{Kind: "email", Value: "data.work_email"},
		}, nil, "unknown_type"},
		{"pagerduty_v3_incident_escalated.json", "", "", mapping.Config{
			Type: "event.event_type", Kind: "alert", ID: "event.id", Time: "event.occurred_at", Person: mapping.Person{Kind: "login", Value: "event.data.custom_fields.sever_user"},
		}, []string{""}, ""}, // never who answers for it
		{"panther_custom_webhook.json", "", "", mapping.Config{
			Type: "type", Kinds: map[string]string{"RULE": "alert"}, Severity: "severity", ID: "alertId", Time: "createdAt",
			Person: mapping.Person{Kind: "login", Value: "title", Extract: `^New Alert: Impossible travel of \[([^\]]+)\]$`},
		}, []string{""}, ""},
		{"datadog_default_payload_template.json", "", "", mapping.Config{
			Type: "event_type", Kind: "alert", ID: "id", Person: mapping.Person{Kind: "login", Value: "title"},
		}, []string{""}, ""}, // nothing in it is filled in
		{"azure_eventgrid_subscription_validation.json", "", "", mapping.Config{
			Each: "[*]", Type: "eventType", Kind: "alert", Person: mapping.Person{Kind: "login", Value: "data.user"},
			Ignore: []mapping.Ignore{{When: `type.startsWith("Microsoft.EventGrid.")`, Reason: "lifecycle"}},
		}, nil, "lifecycle"},
		{"workos_dsync_user_created.json", "", "", workOS, nil, "unknown_type"},
		{"workos_dsync_user_created.json", "", "", created, []string{"00u1e8mutl6wlH3lL4x7"}, ""},
	} {
		t.Run(tt.file+" "+tt.with, func(t *testing.T) {
			t.Parallel()
			body := sample(t, tt.file)
			if tt.replace != "" {
				require.Contains(t, body, tt.replace)
				body = strings.Replace(body, tt.replace, tt.with, 1)
			}
			decoded := decode(t, tt.config, body)
			require.Equal(t, tt.want, people(decoded))
			if tt.reason != "" {
				require.Equal(t, []string{tt.reason}, reasons(decoded))
			}
			for _, signal := range decoded.Signals {
				if tt.config.Time != "" {
					require.False(t, signal.Occurred.IsZero(), "the sample's time can be read")
				}
			}
		})
	}
}

func withoutIgnore(config mapping.Config) mapping.Config {
	config.Ignore = nil
	return config
}

// Bodies that name somebody else beside the place where the person should be: whoever it
// is, it is not whom the alert is about.
func TestWrongPersonTraps(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ path, body string }{
		"Splunk's owner":                {"result.user", `{"result":{"_si":["idx1","main"]},"owner":"admin","app":"search","user":"analyst"}`},
		"Splunk, internal fields":       {"result.user", `{"result":{"_time":"1","username":"ada","tag::eventtype":"x"},"owner":"admin"}`},
		"PagerDuty's responders":        {"event.data.custom_fields.sever_user", `{"event":{"agent":{"summary":"oncall"},"data":{"assignees":[{"summary":"oncall"}]}}}`},
		"Merge's linked account":        {"data.work_email", `{"linked_account":{"end_user_email_address":"admin@example.com"},"data":{"work_email":null,"personal_email":"ada@home.example"}}`},
		"HiBob's triggeredBy":           {"data.employeeId", `{"triggeredBy":"admin","data":{}}`},
		"Rippling's company":            {"id", `{"company_primary_email":"boss@example.com","company_id":"7"}`},
		"Sentinel's display name":       {`=item.Name + "@" + item.UPNSuffix`, `{"DisplayName":"Ada Lovelace","Name":"ada"}`},
		"SentinelOne, nobody signed in": {"agentDetectionInfo.agentLastLoggedInUpn", `{"agentDetectionInfo":{"agentLastLoggedInUpn":"","agentLastLoggedInUserName":"CORP\\svc"}}`},
		"GuardDuty's IAM user":          {`=item.type == "AssumedRole" ? item.principal : ""`, `{"type":"IAMUser","principal":"AIDA1","userName":"ada"}`},
		"CrowdStrike without a user":    {`data."detections.user_name"`, `{"meta":{"owner":"admin"},"data":{"detections.user_name":"N/A","detections":{"user_name":"mallory"}}}`},
		"Graph's other ids":             {"resourceData.user", `{"subscriptionId":"a","tenantId":"b","resourceData":{"id":""}}`},
		"keys that differ in case":      {"user", `{"User":"mallory","USER":"mallory"}`},
	} {
		decoded := decode(t, login(tt.path), tt.body)
		require.Equal(t, []string{""}, people(decoded), name)
		require.NotEmpty(t, decoded.Signals[0].NoPerson, name)
	}
}

// What two readers could understand differently names nobody, and nothing of it is used.
func TestAmbiguousBodiesAreRefused(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"p":"ada","p":"bob"}`, `{"p":"ada","\u0070":"bob"}`, `{"p":"ada"}{"p":"bob"}`, `{"p":"ada"} x`, "{\"p\":\"\xff\"}", ``, `Ping test`, `{"p":"ada",}`,
		strings.Repeat("[", 65) + strings.Repeat("]", 65),
	} {
		decoded, err := decoder(t, login("p")).Decode(delivery(body))
		require.ErrorContains(t, err, "decode json: ", body)
		require.Equal(t, source.Decoded{}, decoded)
		require.LessOrEqual(t, len(err.Error()), 400)
	}
}
