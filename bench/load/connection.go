package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// answerTimeout is how long the lab waits for one answer: longer than any sender would.
const answerTimeout = 10 * time.Second

// Connection is HTTP/1.1 as far as the lab's servers need it.
type Connection struct {
	conn   net.Conn
	reader *bufio.Reader
}

// Dial connects to host:port.
func Dial(ctx context.Context, address string) (*Connection, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoServer, err)
	}
	return &Connection{conn: conn, reader: bufio.NewReaderSize(conn, 4096)}, nil
}

// Close ends the connection.
func (c *Connection) Close() {
	_ = c.conn.Close() // nothing is left to be read
}

// Exchange sends a request and reads its answer.
func (c *Connection) Exchange(request []byte) (status int, err error) {
	if err := c.conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return 0, fmt.Errorf("set a deadline: %w", err)
	}
	if _, err := c.conn.Write(request); err != nil {
		return 0, fmt.Errorf("send: %w", err)
	}
	return c.answer()
}

var (
	errNoServer = errors.New("nobody answers at the server's address")
	errAnswer   = errors.New("the answer is not the HTTP that the lab reads")
	errClosing  = errors.New("the server closes the connection")
)

func (c *Connection) answer() (int, error) {
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return 0, fmt.Errorf("read the answer: %w", err)
	}
	if len(line) < len("HTTP/1.1 204") || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, errAnswer
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil {
		return 0, errAnswer
	}
	length, closing, err := c.headers()
	if err != nil {
		return 0, err
	}
	if _, err := c.reader.Discard(length); err != nil {
		return 0, fmt.Errorf("read the answer: %w", err)
	}
	if closing && status < 300 {
		return 0, errClosing // none of the lab's servers has a reason to
	}
	return status, nil
}

// headers reads up to the body, and tells how long it is.
func (c *Connection) headers() (length int, closing bool, err error) {
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return 0, false, fmt.Errorf("read the answer: %w", err)
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return length, closing, nil
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch value = bytes.TrimSpace(value); {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, false, errAnswer
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			return 0, false, errAnswer
		case bytes.EqualFold(name, []byte("Connection")):
			closing = bytes.EqualFold(value, []byte("close"))
		}
	}
}
