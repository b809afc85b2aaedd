package brume;

import com.amazonaws.services.lambda.runtime.LambdaLogger;
import java.nio.charset.StandardCharsets;

/** Writes a message as one log event: line ends inside of it become carriage returns, as viewers show them. */
public final class Logger implements LambdaLogger {
    @Override
    public void log(String message) {
        log(String.valueOf(message).getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public void log(byte[] message) {
        int end = message.length;
        while (end > 0 && message[end - 1] == '\n') {
            end--;
        }
        byte[] line = new byte[end + 1];
        for (int i = 0; i < end; i++) {
            line[i] = message[i] == '\n' ? (byte) '\r' : message[i];
        }
        line[end] = '\n';
        synchronized (System.out) {
            System.out.write(line, 0, line.length);
            System.out.flush();
        }
    }
}
