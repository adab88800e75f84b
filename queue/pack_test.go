package queue

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

func packOf(tb testing.TB, deliveries ...revocation.Delivery) []byte {
	tb.Helper()
	pack := appendPackStart(nil)
	for _, delivery := range deliveries {
		longer, err := appendDelivery(pack, delivery)
		require.NoError(tb, err)
		pack = longer
	}
	return pack
}

// anyDelivery makes one of random shape: empty, text or binary body, odd names.
func anyDelivery(random *rand.Rand) revocation.Delivery {
	names := []string{"okta", "", "hr", "quelle-größe", "来源", "\u2028\"\\<&>", "🔒"}
	body := make([]byte, []int{0, 1, 127, 128, 5000, 70_000}[random.IntN(6)])
	for i := range body {
		body[i] = byte(random.Uint32())
	}
	delivery := revocation.NewDelivery(
		names[random.IntN(len(names))], names[random.IntN(len(names))], body,
		start.Add(time.Duration(random.Int64N(int64(time.Hour)))))
	delivery.Redrives = random.IntN(3)
	if random.IntN(2) == 0 {
		delivery = delivery.With(names[random.IntN(len(names))], map[string]string{"Ce-Id": names[random.IntN(len(names))]})
	}
	return delivery
}

func TestPackRoundTrip(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		want := make([]revocation.Delivery, random.IntN(8))
		for i := range want {
			want[i] = anyDelivery(random)
		}

		got, err := unpack(packOf(t, want...))

		require.NoError(t, err, "seed %d", seed)
		require.Len(t, got, len(want), "seed %d", seed)
		for i := range want {
			require.True(t, same(want[i], got[i]), "seed %d, delivery %d", seed, i)
		}
	}
}

// same compares all but the time zone that Received is told in.
func same(a, b revocation.Delivery) bool {
	return a.ID == b.ID && a.Source == b.Source && a.Received.Equal(b.Received) &&
		a.ContentType == b.ContentType && a.Redrives == b.Redrives && bytes.Equal(a.Body, b.Body) &&
		a.SenderID == b.SenderID && maps.Equal(a.Headers, b.Headers)
}

func TestPackKeepsTheInstantOfAnyZone(t *testing.T) {
	t.Parallel()
	want := delivery("zone")
	want.Received = start.In(time.FixedZone("", 5*3600+1800))
	got, err := unpack(packOf(t, want))
	require.NoError(t, err)
	require.True(t, got[0].Received.Equal(start), "%s is not %s", got[0].Received, start)
}

func TestPackRefusesATimeItCannotWrite(t *testing.T) {
	t.Parallel()
	impossible := delivery("impossible")
	impossible.Received = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)
	_, err := appendDelivery(appendPackStart(nil), impossible)
	require.ErrorContains(t, err, impossible.ID)
}

// A body must not grow into its neighbour: unpacked bodies share one array.
func TestUnpackedBodiesCannotGrowIntoEachOther(t *testing.T) {
	t.Parallel()
	got, err := unpack(packOf(t, delivery("a"), delivery("b")))
	require.NoError(t, err)
	_ = append(got[0].Body, "overflow"...)
	require.Equal(t, delivery("b"), got[1])
}

// Wherever a pack is cut, it is damaged, or the cut is between two deliveries and
// the ones before it are whole.
func TestUnpackEveryTruncation(t *testing.T) {
	t.Parallel()
	want := []revocation.Delivery{delivery("first"), {ID: "empty", Received: start}, delivery("last")}
	pack := packOf(t, want...)
	whole := 0
	for end := range pack {
		got, err := unpack(pack[:end])
		if err != nil {
			require.Empty(t, got)
			continue
		}
		require.Less(t, len(got), len(want))
		require.Equal(t, want[:len(got)], normal(got))
		whole++
	}
	require.Equal(t, len(want), whole, "cut after the version and after each delivery but the last")
}

// normal writes an empty body as the tests do.
func normal(deliveries []revocation.Delivery) []revocation.Delivery {
	all := []revocation.Delivery{}
	for _, delivery := range deliveries {
		if len(delivery.Body) == 0 {
			delivery.Body = nil
		}
		all = append(all, delivery)
	}
	return all
}

func TestUnpackRefuses(t *testing.T) {
	t.Parallel()
	for name, pack := range map[string][]byte{
		"nothing":              nil,
		"another version":      {2},
		"length without end":   {packVersion, 0x80},
		"length beyond 64 bit": append([]byte{packVersion}, bytes.Repeat([]byte{0xff}, 11)...),
		"length beyond data":   {packVersion, 200, '{', '}'},
		"largest length":       append([]byte{packVersion}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1),
		"header not JSON":      {packVersion, 2, 'n', 'o', 0},
		"header of wrong type": append([]byte{packVersion, 8}, `{"id":1}`+"\x00"...),
		"no body":              {packVersion, 2, '{', '}'},
	} {
		got, err := unpack(pack)
		require.Error(t, err, name)
		require.Nil(t, got, name)
	}
}

func TestUnpackOfNoDeliveries(t *testing.T) {
	t.Parallel()
	got, err := unpack(appendPackStart(nil))
	require.NoError(t, err)
	require.Empty(t, got)
}

func FuzzUnpack(f *testing.F) {
	random := rand.New(rand.NewPCG(1, 2))
	f.Add([]byte(nil))
	f.Add(appendPackStart(nil))
	f.Add([]byte{packVersion, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	for i := range 8 {
		pack := packOf(f, delivery(strconv.Itoa(i)), anyDelivery(random))
		f.Add(pack)
		f.Add(pack[:len(pack)*i/8])
	}
	f.Fuzz(func(t *testing.T, pack []byte) {
		first, err := unpack(pack)
		if err != nil {
			require.Nil(t, first)
			return
		}
		second, err := unpack(packOf(t, first...))
		require.NoError(t, err)
		require.Len(t, second, len(first))
		for i := range first {
			require.True(t, same(first[i], second[i]), "delivery %d", i)
			require.Len(t, first[i].Body, cap(first[i].Body), "delivery %d could grow into the next", i)
		}
	})
}
