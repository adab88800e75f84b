package okta_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta"
)

func TestEventHookDecodes(t *testing.T) {
	t.Parallel()
	var hook okta.EventHook
	require.NoError(t, json.Unmarshal(sharedData(t, "okta/event-hook/docs-envelope-session-start-2023.json"), &hook))
	require.Equal(t, "com.okta.event_hook", hook.EventType)
	require.Equal(t, "1.0", hook.EventTypeVersion)
	require.Equal(t, "0.1", hook.CloudEventsVersion)
	require.Equal(t, "https://{yourOktaDomain}/api/v1/eventHooks/who7hphp39JoHLni81d7", hook.Source)
	require.Equal(t, "85b60edb-4263-4e13-993b-818e26201052", hook.EventID)
	require.Equal(t, "application/json", hook.ContentType)
	require.False(t, hook.EventTime.IsZero())
	require.Len(t, hook.Data.Events, 1)

	e := hook.Data.Events[0]
	require.Equal(t, "f1d0b993-cc19-11ed-a688-db22c99ef6c4", e.UUID)
	require.Equal(t, time.Date(2023, 3, 26, 21, 5, 32, 159_000_000, time.UTC), e.Published)
	require.Equal(t, "user.session.start", e.EventType)
	require.Equal(t, "0", e.Version)
	require.Equal(t, &okta.Entity{ID: "00uz9fj5aT69fHVro1d6", Type: "User", AlternateID: "admin@okta.com", DisplayName: "Admin Name"}, e.Actor)
	require.Len(t, e.Target, 2)
	require.Equal(t, okta.Outcome{Result: "SUCCESS"}, e.Outcome)
	require.Equal(t, "142.126.158.61", e.Client.IPAddress)
	require.Equal(t, []okta.IPAddress{{IP: "142.126.158.61", Version: "V4"}}, e.Client.IPChain)
	require.Empty(t, e.Request.IPChain)
	require.Equal(t, okta.Transaction{ID: "ZCCzm8j2wTvzwele2NwLnwAADSc", Type: "WEB"}, e.Transaction)
	require.Equal(t, "ZCCzm8j2wTvzwele2NwLnwAADSc", e.DebugContext.DebugData["requestId"])
	require.Equal(t, "idxyNcxVX2ESsSL0u462548Qg", e.AuthenticationContext.ExternalSessionID)
}

func TestLogEventsOfTheSystemLogDecode(t *testing.T) {
	t.Parallel()
	var e okta.LogEvent
	require.NoError(t, json.Unmarshal(sharedData(t, "okta/logevent/docs-user-lifecycle-deactivate.json"), &e))
	require.Equal(t, []okta.IPAddress{{IP: "174.89.174.56", Version: "V4"}}, e.Request.IPChain)
	require.Equal(t, []okta.Entity{{ID: bob, Type: "User", AlternateID: "john.doe@example.com", DisplayName: "John Doe"}}, e.Target)

	var risky okta.LogEvent
	require.NoError(t, json.Unmarshal(sharedData(t, "okta/logevent/oas-ListLogsWithAdditionalSecurityContext.json"), &risky))
	require.Equal(t, "0", risky.Version, "a number here")
	require.Equal(t, okta.Risk{Level: "HIGH", DetectionName: "Suspected Session Hijacking", Reasons: []string{"Anomalous Device"}}, risky.SecurityContext.Risk)
	require.Equal(t, "HIGH", risky.RiskLevel())
}

func TestEverySampleDecodes(t *testing.T) {
	t.Parallel()
	hooks, err := filepath.Glob(filepath.Join(sharedFolder(t), "okta", "event-hook", "*.json"))
	require.NoError(t, err)
	events, err := filepath.Glob(filepath.Join(sharedFolder(t), "okta", "logevent", "*.json"))
	require.NoError(t, err)
	if len(hooks)+len(events) == 0 {
		t.Skip("no samples in the shared data folder")
	}
	for _, file := range hooks {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		var hook okta.EventHook
		require.NoError(t, json.Unmarshal(b, &hook), file)
		require.NotEmpty(t, hook.Data.Events)
		require.NotEmpty(t, hook.Data.Events[0].UUID)
	}
	for _, file := range events {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		if b[0] != '[' { // one event, or a page of them
			b = append(append([]byte{'['}, b...), ']')
		}
		var page []okta.LogEvent
		require.NoError(t, json.Unmarshal(b, &page), file)
		require.NotEmpty(t, page, file)
		require.NotEmpty(t, page[0].EventType, file)
		require.NotNil(t, page[0].Actor, file)
	}
}

func TestIncidentalOdditiesDoNotCostTheEvent(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{}`,
		`{"target":null,"securityContext":null,"debugContext":null,"actor":null,"outcome":null,"client":null,"request":null,"transaction":null}`,
		`{"version":0,"published":"2022-12-14 19:16:32.015"}`,
		`{"published":12,"version":{},"severity":[],"displayMessage":false}`,
		`{"client":{"geographicalContext":{"postalCode":10013},"ipChain":"x","ipAddress":7}}`,
		`{"client":"x","request":[],"transaction":4,"debugContext":[{"debugData":{}}],"securityContext":[1],"authenticationContext":"x"}`,
		`{"securityContext":{"risk":"HIGH"},"debugContext":{"debugData":"x"}}`,
		`{"securityContext":{"risk":{"level":3,"reasons":"x"}}}`,
		`{"target":[]}`,
		`{"somethingNew":{"a":[1]}}`,
	} {
		var e okta.LogEvent
		require.NoError(t, json.Unmarshal([]byte(body), &e), body)
		require.Empty(t, e.Target)
		require.Empty(t, e.RiskLevel())
	}
}

func TestDebugDataKeepsEveryValueAsText(t *testing.T) {
	t.Parallel()
	var e okta.LogEvent
	require.NoError(t, json.Unmarshal([]byte(`{"debugContext":{"debugData":{"a":"x","b":null,"c":7,"d":{"e":[1]}}}}`), &e))
	require.Equal(t, map[string]string{"a": "x", "b": "", "c": "7", "d": `{"e":[1]}`}, e.DebugContext.DebugData)
}

func TestMalformedPeopleAreErrors(t *testing.T) {
	t.Parallel()
	secret := "hunter2"
	for _, body := range []string{
		`null`, `[]`, `"hunter2"`,
		`{"target":"hunter2"}`, `{"target":{"id":"hunter2"}}`, `{"target":["hunter2"]}`, `{"target":[null]}`, `{"target":[{"id":7}]}`,
		`{"target":[{"id":"x","type":["hunter2"]}]}`, `{"actor":"hunter2"}`, `{"actor":[]}`, `{"actor":{"id":{}}}`, `{"eventType":7}`, `{"uuid":[]}`,
		`{"outcome":"hunter2"}`, `{"outcome":{"result":7}}`,
	} {
		var hook okta.EventHook
		err := json.Unmarshal([]byte(`{"data":{"events":[`+body+`]}}`), &hook)
		require.Error(t, err, body)
		require.NotContains(t, err.Error(), secret, body)
		requirePrintable(t, err.Error())
	}
	for _, body := range []string{`null`, `[]`, `7`, `{"data":[]}`, `{"data":{"events":{}}}`, `{"data":{"events":"x"}}`} {
		var hook okta.EventHook
		require.Error(t, json.Unmarshal([]byte(body), &hook), body)
	}
}

func TestRiskLevel(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{reasons=Anomalous Device, level=MEDIUM}":                   "MEDIUM",
		"{level=HIGH, reasons=Anomalous Device, Anomalous Location}": "HIGH",
		"{reasons=Anomalous Device, Anomalous Location, level=low}":  "LOW",
		"{Level=High}":                          "HIGH",
		" {level = LOW } ":                      "LOW",
		"{reasons=foo level=HIGH, level=LOW}":   "LOW",
		"{reasons=level=HIGH, level=LOW}":       "LOW",
		"{reasons=foo,level=HIGH, level=LOW}":   "LOW",
		"{detail={level=HIGH, x=1}, level=LOW}": "LOW",
		"{reasons=[a, level=HIGH], level=LOW}":  "LOW",
		"{detail={x=1, level=HIGH, y=2}}":       "",
		"{reasons=foo, level=HIGH, level=LOW}":  "",
		"{level=HIGH, level=HIGH}":              "",
		"{reasons=}, level=HIGH}":               "",
		"{reasons={, level=HIGH}":               "",
		"{riskLevel=HIGH}":                      "",
		"{level=SEVERE}":                        "",
		"{level=HIGH":                           "",
		"level=HIGH":                            "",
		"{}":                                    "",
		"{":                                     "",
		"":                                      "",
		"HIGH":                                  "",
		"{" + strings.Repeat("reasons=x, ", 1000) + "level=MEDIUM" + "}": "MEDIUM",
	} {
		e := okta.LogEvent{DebugContext: okta.DebugContext{DebugData: map[string]string{"risk": text}}}
		require.Equal(t, want, e.RiskLevel(), text)
	}
	both := okta.LogEvent{DebugContext: okta.DebugContext{DebugData: map[string]string{"risk": "{level=HIGH}"}}}
	both.SecurityContext.Risk.Level = "low"
	require.Equal(t, "LOW", both.RiskLevel(), "the structured field decides")
	both.SecurityContext.Risk.Level = "NONE"
	require.Empty(t, both.RiskLevel())
}

func FuzzEventHook(f *testing.F) {
	f.Add([]byte(`{"eventType":"com.okta.event_hook","data":{"events":[{"uuid":"u","actor":{"id":"a"},"target":[{"id":"b","type":"User"}]}]}}`))
	f.Add([]byte(`{"data":{"events":[{"debugContext":{"debugData":{"risk":"{reasons=a, level=HIGH}"}}}]}}`))
	f.Add([]byte(`{"data":{"events":[null]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var hook okta.EventHook
		if err := json.Unmarshal(body, &hook); err != nil {
			return
		}
		for _, e := range hook.Data.Events {
			require.Contains(t, []string{"", "LOW", "MEDIUM", "HIGH"}, e.RiskLevel())
		}
	})
}
