package mapping_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/revocation"
	"sever/source"
	"sever/source/mapping"
)

func events() mapping.Config {
	return mapping.Config{
		Body: "cloudevents", Type: "type", Kind: "alert", Time: "time", ID: `=item.source + " " + item.id`,
		Person: mapping.Person{Kind: "login", Value: "data.user"}, Headers: []string{"ce-tenant"},
	}
}

func event(id, user string) string {
	return `{"specversion":"1.0","id":"` + id + `","source":"/siem","type":"detection","time":"2026-11-23T09:00:00Z","subject":"mallory","data":{"user":"` + user + `"}}`
}

func decodeEvent(t *testing.T, contentType, body string, headers map[string]string) (source.Decoded, error) {
	t.Helper()
	return decoder(t, events()).Decode(revocation.NewDelivery("siem", contentType, []byte(body), received()).With("", headers))
}

func TestCloudEvents(t *testing.T) {
	t.Parallel()
	binary := map[string]string{
		"Ce-Specversion": "1.0", "Ce-Id": "1", "Ce-Source": "/siem", "Ce-Type": "detection", "Ce-Time": "2026-11-23T09:00:00Z", "Ce-Subject": "mallory",
	}
	structured, err := decodeEvent(t, "application/cloudevents+json; charset=utf-8", event("1", "ada"), nil)
	require.NoError(t, err)
	require.Equal(t, []string{"ada"}, people(structured))
	require.Equal(t, "detection", structured.Signals[0].Type)
	require.Equal(t, "2026-11-23 09:00:00 +0000 UTC", structured.Signals[0].Occurred.String())

	fromHeaders, err := decodeEvent(t, "application/json", `{"user":"ada"}`, binary)
	require.NoError(t, err)
	require.Equal(t, []string{"ada"}, people(fromHeaders))
	require.Equal(t, structured.Signals[0].ID, fromHeaders.Signals[0].ID, "the same event in either mode")

	batch, err := decodeEvent(t, "application/cloudevents-batch+json", "["+event("1", "ada")+","+event("2", "bob")+"]", nil)
	require.NoError(t, err)
	require.Equal(t, []string{"ada", "bob"}, people(batch))
	require.Equal(t, structured.Signals[0].ID, batch.Signals[0].ID)

	encoded, err := decodeEvent(t, "application/cloudevents+json", strings.Replace(event("1", ""), `"data":{"user":""}`, `"data_base64":"eyJ1c2VyIjoiYWRhIn0="`, 1), nil)
	require.NoError(t, err)
	require.Equal(t, []string{"ada"}, people(encoded))

	empty, err := decodeEvent(t, "application/cloudevents-batch+json", "[]", nil)
	require.NoError(t, err)
	require.Equal(t, []string{"empty"}, reasons(empty))

	noData, err := decodeEvent(t, "", "", binary)
	require.NoError(t, err)
	require.Equal(t, []string{""}, people(noData), "the subject is not where the person is")
}

func TestCloudEventHeaders(t *testing.T) {
	t.Parallel()
	config := events()
	config.Person.Value = "tenant"
	made := decoder(t, config)
	require.Equal(t, []string{"Ce-Dataschema", "Ce-Id", "Ce-Source", "Ce-Specversion", "Ce-Subject", "Ce-Tenant", "Ce-Time", "Ce-Type"}, made.Keep())
	headers := map[string]string{"Ce-Specversion": "1.0", "Ce-Id": "1", "Ce-Source": "/x", "Ce-Type": "t", "Ce-Tenant": "%C3%A4da", "Ce-Data": "forged"}
	decoded, err := made.Decode(delivery(`{}`).With("", headers))
	require.NoError(t, err)
	require.Equal(t, []string{"äda"}, people(decoded))
}

func TestBadCloudEvents(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		body    string
		headers map[string]string
		want    string
	}{
		"no id":            {strings.Replace(event("1", "ada"), `"id":"1",`, "", 1), nil, "id is missing"},
		"number for an id": {strings.Replace(event("1", "ada"), `"id":"1",`, `"id":1,`, 1), nil, "id is missing"},
		"no type":          {strings.Replace(event("1", "ada"), `"type":"detection",`, "", 1), nil, "type is missing"},
		"plain JSON":       {`{"user":"ada"}`, nil, "specversion is missing"},
		"a text":           {`"ada"`, nil, "no CloudEvent"},
		"a bad one inside": {"[" + event("1", "ada") + ",{}]", nil, "specversion is missing"},
		"both data":        {strings.Replace(event("1", "ada"), `"data":`, `"data_base64":"e30=","data":`, 1), nil, "both data"},
		"bad base64":       {strings.Replace(event("1", "ada"), `"data":{"user":"ada"}`, `"data_base64":"?"`, 1), nil, "base64"},
		"twice":            {strings.Replace(event("1", "ada"), `"id":"1"`, `"id":"1","id":"2"`, 1), nil, "given twice"},
		"too many":         {"[" + strings.Repeat("0,", 5000) + "0]", nil, "more than 5000"},
		"binary, no id":    {`{}`, map[string]string{"Ce-Specversion": "1.0", "Ce-Source": "/x", "Ce-Type": "t"}, "id is missing"},
		"binary, bad data": {`{`, map[string]string{"Ce-Specversion": "1.0", "Ce-Id": "1", "Ce-Source": "/x", "Ce-Type": "t"}, "not valid JSON"},
		"binary, bad text": {`{}`, map[string]string{"Ce-Specversion": "1.0", "Ce-Id": "%zz"}, "percent-encoded"},
		"empty":            {``, nil, "not valid JSON"},
	} {
		decoded, err := decodeEvent(t, "application/json", tt.body, tt.headers)
		require.ErrorContains(t, err, tt.want, name)
		require.Empty(t, decoded, name)
	}
}

func FuzzDecodeCloudEvents(f *testing.F) {
	f.Add("application/cloudevents+json", event("1", "ada"), "")
	f.Add("application/cloudevents-batch+json", "["+event("1", "ada")+"]", "")
	f.Add("application/json", `{"user":"ada"}`, "1")
	f.Add("", "", "%zz")
	made := decoder(f, events())
	f.Fuzz(func(t *testing.T, contentType, body, id string) {
		headers := map[string]string{}
		if id != "" {
			headers = map[string]string{"Ce-Specversion": "1.0", "Ce-Id": id, "Ce-Source": "/x", "Ce-Type": "t"}
		}
		checkDecoded(t, made, revocation.NewDelivery("siem", contentType, []byte(body), received()).With("", headers))
	})
}
