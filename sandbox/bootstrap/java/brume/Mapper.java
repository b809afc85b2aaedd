package brume;

import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Makes objects of JSON and JSON of objects: maps, lists, and classes with getters, setters and public fields. */
final class Mapper {
    private Mapper() {}

    static Class<?> raw(Type t) {
        if (t instanceof Class) {
            return (Class<?>) t;
        }
        if (t instanceof ParameterizedType) {
            return raw(((ParameterizedType) t).getRawType());
        }
        if (t instanceof GenericArrayType) {
            return Array.newInstance(raw(((GenericArrayType) t).getGenericComponentType()), 0).getClass();
        }
        if (t instanceof WildcardType) {
            return raw(((WildcardType) t).getUpperBounds()[0]);
        }
        if (t instanceof TypeVariable) {
            return raw(((TypeVariable<?>) t).getBounds()[0]);
        }
        return Object.class;
    }

    private static Type argument(Type t, int n) {
        return t instanceof ParameterizedType ? ((ParameterizedType) t).getActualTypeArguments()[n] : Object.class;
    }

    /** Makes a value of type t of what Json has read. */
    @SuppressWarnings({"unchecked", "rawtypes"})
    static Object to(Object v, Type t) throws ReflectiveOperationException {
        Class<?> c = raw(t);
        if (v == null) {
            return null;
        }
        if (c == Object.class) {
            return v;
        }
        if (c == String.class || c == CharSequence.class) {
            if (v instanceof Map || v instanceof List) {
                throw new IllegalArgumentException("Cannot deserialize value of type `java.lang.String` from "
                        + (v instanceof Map ? "Object value (token `JsonToken.START_OBJECT`)" : "Array value (token `JsonToken.START_ARRAY`)"));
            }
            return v.toString();
        }
        if (c == boolean.class || c == Boolean.class) {
            return v instanceof Boolean ? v : Boolean.valueOf(v.toString());
        }
        if (c == char.class || c == Character.class) {
            return v.toString().charAt(0);
        }
        if (c.isPrimitive() || Number.class.isAssignableFrom(c)) {
            return number(v, c);
        }
        if (c.isEnum()) {
            return Enum.valueOf((Class<Enum>) c, v.toString());
        }
        if (c == Date.class) {
            return new Date(((Number) number(v, long.class)).longValue());
        }
        if (Map.class.isAssignableFrom(c)) {
            Map<Object, Object> m = c.isInterface() ? new LinkedHashMap<>() : (Map<Object, Object>) create(c);
            for (Map.Entry<?, ?> e : ((Map<?, ?>) v).entrySet()) {
                m.put(to(e.getKey(), argument(t, 0)), to(e.getValue(), argument(t, 1)));
            }
            return m;
        }
        if (Collection.class.isAssignableFrom(c) || c == Iterable.class) {
            Collection<Object> l = Set.class == c ? new LinkedHashSet<>() : c.isInterface() ? new ArrayList<>() : (Collection<Object>) create(c);
            for (Object e : (List<?>) v) {
                l.add(to(e, argument(t, 0)));
            }
            return l;
        }
        if (c.isArray()) {
            List<?> l = (List<?>) v;
            Object a = Array.newInstance(c.getComponentType(), l.size());
            for (int i = 0; i < l.size(); i++) {
                Array.set(a, i, to(l.get(i), t instanceof GenericArrayType ? ((GenericArrayType) t).getGenericComponentType() : c.getComponentType()));
            }
            return a;
        }
        if (!(v instanceof Map)) {
            throw new IllegalArgumentException("Cannot construct instance of `" + c.getName() + "` of " + v.getClass().getSimpleName());
        }
        return bean((Map<String, Object>) v, c);
    }

    private static Object create(Class<?> c) throws ReflectiveOperationException {
        java.lang.reflect.Constructor<?> n = c.getDeclaredConstructor();
        n.setAccessible(true);
        return n.newInstance();
    }

    private static Object bean(Map<String, Object> values, Class<?> c) throws ReflectiveOperationException {
        Object o = create(c);
        for (Map.Entry<String, Object> e : values.entrySet()) {
            String name = e.getKey();
            Method setter = null;
            for (Method m : c.getMethods()) {
                if (m.getParameterCount() == 1 && m.getName().equalsIgnoreCase("set" + name) && !m.isBridge()) {
                    setter = m;
                }
            }
            if (setter != null) {
                setter.setAccessible(true);
                setter.invoke(o, to(e.getValue(), setter.getGenericParameterTypes()[0]));
                continue;
            }
            for (Field f : c.getFields()) {
                if (f.getName().equals(name) && !Modifier.isStatic(f.getModifiers())) {
                    f.set(o, to(e.getValue(), f.getGenericType()));
                }
            }
        }
        return o;
    }

    private static Object number(Object v, Class<?> c) {
        BigDecimal n = new BigDecimal(v.toString());
        if (c == int.class || c == Integer.class) {
            return n.intValue();
        }
        if (c == long.class || c == Long.class) {
            return n.longValue();
        }
        if (c == double.class || c == Double.class) {
            return n.doubleValue();
        }
        if (c == float.class || c == Float.class) {
            return n.floatValue();
        }
        if (c == short.class || c == Short.class) {
            return n.shortValue();
        }
        if (c == byte.class || c == Byte.class) {
            return n.byteValue();
        }
        if (c == BigInteger.class) {
            return n.toBigInteger();
        }
        return c == Number.class ? v : n;
    }

    /** Writes any value. */
    static void write(Object v, StringBuilder out, int depth) throws ReflectiveOperationException {
        if (depth > 1000) {
            throw new IllegalArgumentException("Infinite recursion (StackOverflowError)");
        }
        if (v == null || v instanceof Number && (v.toString().equals("NaN") || v.toString().endsWith("Infinity"))) {
            out.append(v == null ? "null" : "\"" + v + "\"");
        } else if (v instanceof Number || v instanceof Boolean) {
            out.append(v);
        } else if (v instanceof CharSequence || v instanceof Character || v instanceof Enum) {
            Json.quote(v instanceof Enum ? ((Enum<?>) v).name() : v.toString(), out);
        } else if (v instanceof Date) {
            out.append(((Date) v).getTime());
        } else if (v instanceof Optional) {
            write(((Optional<?>) v).orElse(null), out, depth + 1);
        } else if (v instanceof Map) {
            members((Map<?, ?>) v, out, depth);
        } else if (v instanceof Iterable) {
            char sep = '[';
            for (Object e : (Iterable<?>) v) {
                out.append(sep);
                write(e, out, depth + 1);
                sep = ',';
            }
            out.append(sep == '[' ? "[]" : "]");
        } else if (v.getClass().isArray()) {
            List<Object> l = new ArrayList<>();
            for (int i = 0; i < Array.getLength(v); i++) {
                l.add(Array.get(v, i));
            }
            write(l, out, depth + 1);
        } else if (v.getClass().getName().startsWith("java.")) {
            Json.quote(v.toString(), out);
        } else {
            members(properties(v), out, depth);
        }
    }

    private static void members(Map<?, ?> m, StringBuilder out, int depth) throws ReflectiveOperationException {
        char sep = '{';
        for (Map.Entry<?, ?> e : m.entrySet()) {
            out.append(sep);
            Json.quote(String.valueOf(e.getKey()), out);
            out.append(':');
            write(e.getValue(), out, depth + 1);
            sep = ',';
        }
        out.append(sep == '{' ? "{}" : "}");
    }

    /** Reads an object: its getters, its components if it is a record, its public fields. */
    private static Map<String, Object> properties(Object o) throws ReflectiveOperationException {
        Map<String, Object> m = new LinkedHashMap<>();
        Class<?> c = o.getClass();
        boolean record = c.getSuperclass() != null && c.getSuperclass().getName().equals("java.lang.Record");
        for (Field f : c.getDeclaredFields()) { // in the order of the source
            if (Modifier.isStatic(f.getModifiers()) || f.isSynthetic()) {
                continue;
            }
            if (record) {
                m.put(f.getName(), call(c.getMethod(f.getName()), o));
            } else if (Modifier.isPublic(f.getModifiers())) {
                f.setAccessible(true);
                m.put(f.getName(), f.get(o));
            } else {
                Method g = getter(c, f.getName());
                if (g != null) {
                    m.put(f.getName(), call(g, o));
                }
            }
        }
        for (Method g : c.getMethods()) {
            String name = g.getName();
            if (g.getParameterCount() > 0 || g.getDeclaringClass() == Object.class || Modifier.isStatic(g.getModifiers())
                    || g.getReturnType() == void.class || record) {
                continue;
            }
            int skip = name.startsWith("get") ? 3 : name.startsWith("is") && g.getReturnType() == boolean.class ? 2 : 0;
            if (skip == 0 || name.length() == skip) {
                continue;
            }
            String property = Character.toLowerCase(name.charAt(skip)) + name.substring(skip + 1);
            if (!m.containsKey(property)) {
                m.put(property, call(g, o));
            }
        }
        return m;
    }

    private static Method getter(Class<?> c, String field) {
        String upper = Character.toUpperCase(field.charAt(0)) + field.substring(1);
        for (String name : new String[] {"get" + upper, "is" + upper}) {
            try {
                return c.getMethod(name);
            } catch (NoSuchMethodException e) {
                continue;
            }
        }
        return null;
    }

    private static Object call(Method m, Object o) throws ReflectiveOperationException {
        m.setAccessible(true);
        try {
            return m.invoke(o);
        } catch (InvocationTargetException e) {
            throw new IllegalArgumentException(e.getCause());
        }
    }
}
