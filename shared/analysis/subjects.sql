-- name: interaction_of_message
-- Which interaction a message belongs to.
SELECT interaction_id FROM messages WHERE project_id = %(project_id)s AND id = %(message_id)s;

-- name: message_of_attachment
-- Which message and interaction a file belongs to.
SELECT a.message_id, m.interaction_id
FROM attachments a
JOIN messages m ON m.project_id = a.project_id AND m.id = a.message_id
WHERE a.project_id = %(project_id)s AND a.id = %(attachment_id)s;
