package ssf_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// whom decodes a SET about the subject, and a second one that has it inside the event; it
// makes no difference.
func whom(t *testing.T, subject any) (person revocation.Person, nobody string) {
	t.Helper()
	outer := set(caep+"session-revoked", claims{})
	outer["sub_id"] = subject
	inner := set(caep+"session-revoked", claims{"subject": subject})
	delete(inner, "sub_id")
	got, same := decode(t, outer), decode(t, inner)
	require.Len(t, got.Signals, 1)
	require.Equal(t, got.Signals[0].Person, same.Signals[0].Person)
	require.Equal(t, got.Signals[0].NoPerson, same.Signals[0].NoPerson)
	require.NotEqual(t, got.Signals[0].Person.IsZero(), got.Signals[0].NoPerson == "", "somebody, or why not")
	return got.Signals[0].Person, got.Signals[0].NoPerson
}

func email(address string) claims { return claims{"format": "email", "email": address} }

func issSub(issuer, subject string) claims {
	return claims{"format": "iss_sub", "iss": issuer, "sub": subject}
}

func aliases(list ...any) claims { return claims{"format": "aliases", "identifiers": list} }

func TestSubjectsThatNameSomebody(t *testing.T) {
	t.Parallel()
	byEmail := revocation.Person{Kind: revocation.PersonEmail, Value: "ada@example.com"}
	byID := revocation.Person{Kind: revocation.PersonOktaID, Value: ada}
	phone := claims{"format": "phone_number", "phone_number": "+12065550100"}
	device := issSub(orgURL, "00u9device2device3de")
	for name, row := range map[string]struct {
		subject claims
		want    revocation.Person
	}{
		"email":                      {email("ada@example.com"), byEmail},
		"iss_sub of our org":         {issSub(orgURL, ada), byID},
		"with a slash":               {issSub(orgURL+"/", ada), byID},
		"by its custom domain":       {issSub("https://id.acme.example", ada), byID},
		"RISC draft, email":          {claims{"subject_type": "email", "email": "ada@example.com"}, byEmail},
		"RISC draft, iss-sub":        {claims{"subject_type": "iss-sub", "iss": orgURL, "sub": ada}, byID},
		"RISC draft, iss_sub":        {claims{"subject_type": "iss_sub", "iss": orgURL, "sub": ada}, byID},
		"both words, same format":    {claims{"subject_type": "iss-sub", "format": "iss_sub", "iss": orgURL, "sub": ada}, byID},
		"complex":                    {claims{"format": "complex", "user": issSub(orgURL, ada), "device": device}, byID},
		"complex, without a format":  {claims{"user": email("ada@example.com")}, byEmail},
		"complex of aliases":         {claims{"format": "complex", "user": aliases(email("ada@example.com"), phone)}, byEmail},
		"aliases, one of use":        {aliases(phone, issSub("https://other.example", "1"), issSub(orgURL, ada)), byID},
		"aliases, twice the same":    {aliases(email("ada@example.com"), email("ada@example.com")), byEmail},
		"aliases, one of use broken": {aliases(email("not an address"), issSub(orgURL, ada)), byID},
	} {
		person, nobody := whom(t, row.subject)
		require.Equal(t, row.want, person, "%s: %s", name, nobody)
	}
}

func TestSubjectsThatNameNobody(t *testing.T) {
	t.Parallel()
	user := issSub(orgURL, ada)
	many := make([]any, 21)
	for i := range many {
		many[i] = email("ada@example.com")
	}
	for name, row := range map[string]struct {
		subject claims
		want    string
	}{
		// The rest of RFC 9493, and what the framework adds.
		"opaque":                      {claims{"format": "opaque", "id": ada}, `format "opaque"`},
		"account":                     {claims{"format": "account", "uri": "acct:ada@example.com"}, `format "account"`},
		"phone number":                {claims{"format": "phone_number", "phone_number": "+12065550100"}, `format "phone_number"`},
		"did":                         {claims{"format": "did", "url": "did:example:123456"}, `format "did"`},
		"uri":                         {claims{"format": "uri", "uri": "mailto:ada@example.com"}, `format "uri"`},
		"jwt_id":                      {claims{"format": "jwt_id", "iss": orgURL, "jti": "1"}, `format "jwt_id"`},
		"saml_assertion_id":           {claims{"format": "saml_assertion_id", "issuer": orgURL, "assertion_id": "1"}, `format "saml_assertion_id"`},
		"ip-addresses":                {claims{"format": "ip-addresses", "ip-addresses": []string{"192.0.2.1"}}, `format "ip-addresses"`},
		"RISC draft, id_token_claims": {claims{"subject_type": "id_token_claims", "iss": orgURL, "sub": ada, "email": "ada@example.com"}, `format "id_token_claims"`},
		"an unknown format":           {claims{"format": strings.Repeat("x", 1000), "email": "ada@example.com"}, `format "xxx`},

		"no format":            {claims{"email": "ada@example.com"}, "no format"},
		"nothing":              {claims{}, "no format"},
		"two formats":          {claims{"format": "email", "subject_type": "iss-sub", "email": "ada@example.com", "iss": orgURL, "sub": ada}, "two formats"},
		"format is no text":    {claims{"format": 7, "email": "ada@example.com"}, "no format"},
		"email missing":        {claims{"format": "email"}, "no e-mail address"},
		"email in upper case":  {claims{"format": "email", "EMAIL": "ada@example.com"}, "no e-mail address"},
		"email with a name":    {email("Ada <ada@example.com>"), "no e-mail address"},
		"two emails":           {email("ada@example.com,bob@example.com"), "no e-mail address"},
		"two at signs":         {email("ada@example.com@evil.example"), "no e-mail address"},
		"no user":              {email("@example.com"), "no e-mail address"},
		"no host":              {email("ada@"), "no e-mail address"},
		"line end":             {email("ada@example.com\n"), "no e-mail address"},
		"invisible":            {email("ada\u200b@example.com"), "no e-mail address"},
		"too long":             {email(strings.Repeat("a", 250) + "@x.example"), "no e-mail address"},
		"another's iss_sub":    {issSub("https://idp.example.com", ada), "not this Okta org"},
		"another's email sub":  {issSub("https://idp.example.com", "ada@example.com"), "not this Okta org"},
		"no issuer":            {issSub("", ada), "not this Okta org"},
		"another org of Okta":  {issSub("https://acme.okta.com.evil.example", ada), "not this Okta org"},
		"no Okta id":           {issSub(orgURL, "ada@example.com"), "okta user id"},
		"an Okta id and more":  {issSub(orgURL, ada+"/lifecycle/deactivate"), "okta user id"},
		"a group's id":         {issSub(orgURL, "00g1ada2love3lace4x5"), "okta user id"},
		"complex without user": {claims{"format": "complex", "device": user, "session": user, "tenant": user}, "has no user"},
		"complex user a text":  {claims{"format": "complex", "user": ada}, "has no user"},
		"complex in complex":   {claims{"format": "complex", "user": claims{"format": "complex", "user": user}}, `format "complex"`},
		"complex user opaque":  {claims{"format": "complex", "user": claims{"format": "opaque", "id": ada}}, `format "opaque"`},
		"complex user unclear": {claims{"format": "complex", "user": claims{"id": ada}}, "the subject's user: the subject has no format"},

		"aliases that differ":    {aliases(email("ada@example.com"), email("bob@example.com")), "more than one way"},
		"aliases, id and email":  {aliases(issSub(orgURL, ada), email("ada@example.com")), "more than one way"},
		"aliases of no use":      {aliases(claims{"format": "opaque", "id": "1"}), "none of the subject's aliases"},
		"aliases in aliases":     {aliases(aliases(email("ada@example.com"))), "none of the subject's aliases"},
		"complex in aliases":     {aliases(claims{"format": "complex", "user": user}), "none of the subject's aliases"},
		"no aliases":             {aliases(), "0 aliases"},
		"aliases no list":        {claims{"format": "aliases", "identifiers": user}, "0 aliases"},
		"too many aliases":       {aliases(many...), "21 aliases"},
		"an alias no object":     {aliases("ada@example.com", user), "no format"},
		"an alias of two format": {aliases(user, claims{"format": "email", "subject_type": "phone"}), "two formats"},
	} {
		person, nobody := whom(t, row.subject)
		require.Zero(t, person, name)
		require.Contains(t, nobody, row.want, name)
		require.Less(t, len(nobody), 200, name)
		require.NotContains(t, nobody, "evil", name)
	}
}

func TestNoSubject(t *testing.T) {
	t.Parallel()
	without := set(caep+"session-revoked", claims{})
	delete(without, "sub_id")
	signal := decode(t, without).Signals[0]
	require.Zero(t, signal.Person)
	require.Equal(t, "there is no subject", signal.NoPerson)

	text := set(caep+"session-revoked", claims{"subject": "ada@example.com"})
	delete(text, "sub_id")
	require.Equal(t, "there is no subject", decode(t, text).Signals[0].NoPerson)
}

func TestTwoSubjects(t *testing.T) {
	t.Parallel()
	with := func(outer, inner any) revocation.Signal {
		body := set(caep+"session-revoked", claims{"subject": inner})
		body["sub_id"] = outer
		return decode(t, body).Signals[0]
	}
	require.Equal(t, ada, with(issSub(orgURL, ada), issSub(orgURL, ada)).Person.Value)

	for _, pair := range [][2]any{
		{email("ada@example.com"), email("bob@example.com")},
		{email("ada@example.com"), issSub(orgURL, ada)},
		{email("ada@example.com"), claims{"format": "opaque", "id": "1"}},
		{claims{"format": "opaque", "id": "1"}, email("ada@example.com")},
		{email("ada@example.com"), "bob@example.com"},
	} {
		signal := with(pair[0], pair[1])
		require.Zero(t, signal.Person, "%v", pair)
		require.NotEmpty(t, signal.NoPerson, "%v", pair)
	}
}
