package brume;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** A client of the Runtime API on one kept-open connection. */
final class Api {
    private static final String VERSION = "/2018-06-01/runtime/";

    /** An answer: headers with names in lower case. */
    static final class Reply {
        final Map<String, String> headers = new HashMap<>();
        int status;
        byte[] body;
    }

    private final String address;
    private Socket socket;
    private InputStream in;

    Api(String address) {
        this.address = address;
    }

    Reply next() throws IOException {
        Reply r = request("GET " + VERSION + "invocation/next HTTP/1.1\r\n", new byte[0]);
        if (r.status != 200) {
            throw new IOException("status " + r.status);
        }
        return r;
    }

    void answer(String id, byte[] body) throws IOException {
        request("POST " + VERSION + "invocation/" + id + "/response HTTP/1.1\r\nContent-Type: application/json\r\n", body);
    }

    void error(String path, String type, byte[] body) throws IOException {
        request("POST " + VERSION + path + " HTTP/1.1\r\nContent-Type: application/json\r\n"
                + "Lambda-Runtime-Function-Error-Type: " + type.replaceAll("[^\\x20-\\x7e]", "?") + "\r\n", body);
    }

    private Reply request(String head, byte[] body) throws IOException {
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        data.write((head + "Host: " + address + "\r\nContent-Length: " + body.length + "\r\n\r\n").getBytes(StandardCharsets.UTF_8));
        data.write(body);
        try {
            return exchange(data.toByteArray());
        } catch (IOException first) {
            close();
            return exchange(data.toByteArray());
        }
    }

    private void close() throws IOException {
        if (socket != null) {
            socket.close();
            socket = null;
        }
    }

    private Reply exchange(byte[] data) throws IOException {
        if (socket == null) {
            int colon = address.lastIndexOf(':');
            socket = new Socket(address.substring(0, colon), Integer.parseInt(address.substring(colon + 1)));
            socket.setTcpNoDelay(true);
            in = new BufferedInputStream(socket.getInputStream(), 1 << 16);
        }
        OutputStream out = socket.getOutputStream();
        out.write(data);
        out.flush();
        Reply r = new Reply();
        r.status = Integer.parseInt(line().split(" ", 3)[1]);
        for (String line = line(); !line.isEmpty(); line = line()) {
            int colon = line.indexOf(':');
            r.headers.put(line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).trim());
        }
        r.body = new byte[Integer.parseInt(r.headers.getOrDefault("content-length", "0"))];
        for (int n = 0; n < r.body.length; ) {
            int k = in.read(r.body, n, r.body.length - n);
            if (k < 0) {
                throw new EOFException();
            }
            n += k;
        }
        return r;
    }

    private String line() throws IOException {
        ByteArrayOutputStream b = new ByteArrayOutputStream();
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0) {
                throw new EOFException();
            }
            b.write(c);
        }
        return new String(b.toByteArray(), StandardCharsets.UTF_8).trim();
    }
}
