package brume;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads JSON into maps, lists, strings, numbers and booleans. */
final class Json {
    private final String s;
    private int i;

    private Json(String s) {
        this.s = s;
    }

    static Object parse(String text) {
        Json j = new Json(text);
        Object v = j.value(0);
        j.space();
        if (j.i < text.length()) {
            throw j.bad();
        }
        return v;
    }

    private IllegalArgumentException bad() {
        return new IllegalArgumentException("Invalid JSON at character " + i);
    }

    private void space() {
        while (i < s.length() && " \t\r\n".indexOf(s.charAt(i)) >= 0) {
            i++;
        }
    }

    private boolean take(char c) {
        space();
        if (i < s.length() && s.charAt(i) == c) {
            i++;
            return true;
        }
        return false;
    }

    private Object value(int depth) {
        if (depth > 1000) {
            throw bad();
        }
        space();
        if (i >= s.length()) {
            throw bad();
        }
        switch (s.charAt(i)) {
            case '{':
                return object(depth);
            case '[':
                return list(depth);
            case '"':
                return string();
            case 't':
                return word("true", true);
            case 'f':
                return word("false", false);
            case 'n':
                return word("null", null);
            default:
                return number();
        }
    }

    private Object word(String word, Object v) {
        if (!s.startsWith(word, i)) {
            throw bad();
        }
        i += word.length();
        return v;
    }

    private Map<String, Object> object(int depth) {
        i++;
        Map<String, Object> m = new LinkedHashMap<>();
        if (take('}')) {
            return m;
        }
        do {
            space();
            if (i >= s.length() || s.charAt(i) != '"') {
                throw bad();
            }
            String name = string();
            if (!take(':')) {
                throw bad();
            }
            m.put(name, value(depth + 1));
        } while (take(','));
        if (!take('}')) {
            throw bad();
        }
        return m;
    }

    private List<Object> list(int depth) {
        i++;
        List<Object> l = new ArrayList<>();
        if (take(']')) {
            return l;
        }
        do {
            l.add(value(depth + 1));
        } while (take(','));
        if (!take(']')) {
            throw bad();
        }
        return l;
    }

    private String string() {
        StringBuilder b = new StringBuilder();
        for (i++; i < s.length(); i++) {
            char c = s.charAt(i);
            if (c == '"') {
                i++;
                return b.toString();
            }
            if (c != '\\') {
                b.append(c);
                continue;
            }
            if (++i >= s.length()) {
                throw bad();
            }
            int at = "\"\\/bfnrt".indexOf(s.charAt(i));
            if (at >= 0) {
                b.append("\"\\/\b\f\n\r\t".charAt(at));
            } else if (s.charAt(i) == 'u' && i + 4 < s.length()) {
                b.append((char) Integer.parseInt(s.substring(i + 1, i + 5), 16));
                i += 4;
            } else {
                throw bad();
            }
        }
        throw bad();
    }

    private Number number() {
        int begin = i;
        while (i < s.length() && "+-0123456789.eE".indexOf(s.charAt(i)) >= 0) {
            i++;
        }
        String text = s.substring(begin, i);
        try {
            if (text.matches("-?\\d+")) {
                BigInteger n = new BigInteger(text);
                if (n.bitLength() < 32) {
                    return n.intValue();
                }
                if (n.bitLength() < 64) {
                    return n.longValue();
                }
                return n;
            }
            return new BigDecimal(text).doubleValue();
        } catch (NumberFormatException e) {
            throw bad();
        }
    }

    static void quote(String text, StringBuilder out) {
        out.append('"');
        for (int k = 0; k < text.length(); k++) {
            char c = text.charAt(k);
            int at = "\"\\\b\f\n\r\t".indexOf(c);
            if (at >= 0) {
                out.append('\\').append("\"\\bfnrt".charAt(at));
            } else if (c < 0x20) {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }
}
