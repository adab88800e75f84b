package policy_test

import (
	"testing"

	"sever/policy"
	"sever/revocation"
)

// One evaluation of a rule is to take less than 5 µs; ns/rule says what it takes.
func BenchmarkDecide(b *testing.B) {
	signal := revocation.Signal{
		ID: "sig_1", Source: "edr", Org: "acme", Type: "some.sender's.word", Kind: revocation.KindAlert, Severity: "low",
		Received: received, Occurred: received, Person: revocation.Person{Kind: revocation.PersonLogin, Value: "ada@example.com"},
	}
	for _, bb := range []struct {
		name string
		made policy.Policy
	}{
		{"builtin", policy.BuiltIn()},
		{"compare", compiled(b, policy.Options{}, revoking("r", `signal.type == "user.lifecycle.suspend"`))},
		{"conditions", compiled(b, policy.Options{}, revoking("r", `signal.kind == "alert" && signal.severity in ["critical", "high", ""] && source != "lab"`))},
		{"texts and times", compiled(b, policy.Options{}, revoking("r", `signal.type.lowerAscii().contains("word") && signal.person.value.matches("^[a-z]+@example[.]com$") && now - signal.occurred > duration("1h")`))},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if bb.made.Decide(signal).Revoke {
					b.Fatal("it is to ask every rule")
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(bb.made.Rules())), "ns/rule")
		})
	}
}
